import { randomBytes } from 'node:crypto';
import type { ObjectStore } from '../storage/object-store.ts';
import type { Action } from './access-control.ts';

/** What a token says may be done. distribution's token specification calls it `access`. */
export interface Grant {
  readonly type: string;
  readonly name: string;
  readonly actions: readonly (Action | '*')[];
}

export interface TokenClaims {
  /** An account's key; '' for nobody. */
  readonly subject: string;
  readonly stamp: string;
  /** Undefined in a refresh token, which is good for nothing but other tokens. */
  readonly access: readonly Grant[] | undefined;
}

const keyName = 'keys/token';
const issuer = 'wharf-registry';
const accessAudience = 'access';
const refreshAudience = 'refresh';

/** Signs and reads the registry's own JWTs. The key is in the store, so that all servers over it agree. */
export class TokenSigner {
  readonly #objects: ObjectStore;
  #key: Promise<Uint8Array> | undefined;

  constructor(objects: ObjectStore) {
    this.#objects = objects;
  }

  async sign({ subject, stamp, access }: TokenClaims, seconds: number): Promise<string> {
    const { SignJWT } = await import('jose');
    return await new SignJWT({ stamp, ...(access && { access }) })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setIssuer(issuer)
      .setAudience(access ? accessAudience : refreshAudience)
      .setSubject(subject)
      .setIssuedAt()
      .setExpirationTime(`${seconds}s`)
      .sign(await this.#readKey());
  }

  /** Undefined for a token that is not ours, has expired, or is of the other kind. */
  async verify(token: string, kind: 'access' | 'refresh'): Promise<TokenClaims | undefined> {
    const { jwtVerify } = await import('jose');
    try {
      const audience = kind === 'access' ? accessAudience : refreshAudience;
      const options = { issuer, audience, algorithms: ['HS256'] };
      const { payload } = await jwtVerify(token, await this.#readKey(), options);
      const access = payload.access as readonly Grant[] | undefined;
      return { subject: payload.sub ?? '', stamp: String(payload.stamp ?? ''), access };
    } catch {
      return undefined;
    }
  }

  #readKey(): Promise<Uint8Array> {
    this.#key ??= this.#openKey();
    this.#key.catch(() => {
      this.#key = undefined;
    });
    return this.#key;
  }

  async #openKey(): Promise<Uint8Array> {
    if (!(await this.#objects.read(keyName))) await this.#objects.write(keyName, randomBytes(32));
    // Read again: another server may have been the last to write.
    return new Uint8Array((await this.#objects.read(keyName))!);
  }
}
