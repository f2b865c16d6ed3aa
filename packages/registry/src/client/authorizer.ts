import { createHash } from 'node:crypto';
import { EngineError } from '@wharf/base/error';
import { SingleFlight } from '@wharf/base/single-flight';
import { parseChallenges } from './challenge.ts';
import { type Credentials, isAnonymous } from './credentials.ts';
import { RegistryError, readRegistryError } from './registry-error.ts';
import type { TlsSettings, Transport } from './transport.ts';

/** What a request is about to do: `repository:library/busybox:pull`. */
export type Scope = string;

export function repositoryScope(path: string, actions: 'pull' | 'pull,push'): Scope {
  return `repository:${path}:${actions}`;
}

/** Who asks, and for what. */
export interface Grant {
  /** Scheme, host and port. */
  readonly origin: string;
  readonly tls: TlsSettings;
  readonly scopes: readonly Scope[];
  readonly credentials: Credentials;
}

/** An Authorization header as it was sent. */
export interface Sent {
  readonly header: string;
  /** Made from what was kept: if it is refused, a new one may not be. */
  readonly reused: boolean;
}

interface Token {
  readonly value: string;
  /** Milliseconds since the epoch. */
  readonly expires: number;
}

interface BearerRealm {
  readonly realm: string;
  readonly service: string;
}

const maximumRemembered = 1000;
/** The specification's default and least life of a token, in seconds. */
const shortestLife = 60;
const clientId = 'wharf';

/** Answers challenges: remembers what each registry asks for, and the tokens it got, by scope and by who asked. */
export class Authorizer {
  readonly #transport: Transport;
  readonly #realms = new Map<string, BearerRealm | 'basic'>();
  readonly #tokens = new Map<string, Token>();
  readonly #fetching = new SingleFlight<Token>();
  readonly #now: () => number;

  constructor(transport: Transport, now: () => number = Date.now) {
    this.#transport = transport;
    this.#now = now;
  }

  /** The Authorization header for the next request, as far as it is known what the registry wants. */
  async header(grant: Grant, signal: AbortSignal): Promise<Sent | undefined> {
    const { credentials } = grant;
    if (credentials.registryToken !== '') return { header: `Bearer ${credentials.registryToken}`, reused: false };
    const realm = this.#realms.get(grant.origin);
    if (realm === undefined) return undefined;
    if (realm === 'basic') {
      return isAnonymous(credentials) ? undefined : { header: basicHeader(credentials), reused: false };
    }
    const key = tokenKey(grant);
    const kept = this.#tokens.get(key);
    if (kept && kept.expires > this.#now()) return { header: `Bearer ${kept.value}`, reused: true };
    const { value } = await abortable(this.#freshToken(key, grant, realm), signal);
    return { header: `Bearer ${value}`, reused: false };
  }

  /**
   * The registry has answered 401. True when the next request may fare better: what it wants was not known, or the
   * token that was sent has been dropped.
   */
  challenged(grant: Grant, response: Response, sent: Sent | undefined): boolean {
    const challenges = parseChallenges(response.headers.get('www-authenticate'));
    const bearer = challenges.find(({ scheme }) => scheme === 'bearer');
    const realm = bearer?.parameters.get('realm');
    if (bearer && realm) {
      const known = this.#realms.get(grant.origin);
      const next = { realm: this.#checkRealm(realm, grant), service: bearer.parameters.get('service') ?? '' };
      remember(this.#realms, grant.origin, next);
      const isNew = typeof known !== 'object' || known.realm !== next.realm || known.service !== next.service;
      const key = tokenKey(grant);
      // One that was fetched meanwhile stays: it is not what the registry has refused.
      if (isNew || sent?.header === `Bearer ${this.#tokens.get(key)?.value}`) this.#tokens.delete(key);
      return sent === undefined || sent.reused || (isNew && grant.credentials.registryToken === '');
    }
    if (!challenges.some(({ scheme }) => scheme === 'basic')) return false;
    remember(this.#realms, grant.origin, 'basic');
    return sent === undefined && !isAnonymous(grant.credentials) && grant.credentials.registryToken === '';
  }

  /** Asks for a token that lets the client come back without a password, where the registry gives such. */
  async login(grant: Grant, signal: AbortSignal): Promise<string> {
    const realm = this.#realms.get(grant.origin);
    if (realm === undefined || realm === 'basic') return '';
    const { refreshToken } = await this.#fetchToken(grant, realm, { offline: true, signal });
    return refreshToken;
  }

  /** A hundred blobs of one repository need one token. */
  #freshToken(key: string, grant: Grant, realm: BearerRealm): Promise<Token> {
    return this.#fetching.run(key, async () => {
      const { token } = await this.#fetchToken(grant, realm, { offline: false, signal: AbortSignal.timeout(60_000) });
      remember(this.#tokens, key, token);
      return token;
    });
  }

  async #fetchToken(
    grant: Grant,
    { realm, service }: BearerRealm,
    { offline, signal }: { offline: boolean; signal: AbortSignal },
  ): Promise<{ token: Token; refreshToken: string }> {
    const { credentials } = grant;
    const started = this.#now();
    const response =
      credentials.identityToken === ''
        ? await this.#getToken(grant, { realm, service, offline, signal })
        : await this.#refreshToken(grant, { realm, service, signal });
    if (!response.ok) throw await readRegistryError(response, `GET request to ${new URL(realm).origin}`);
    const answer = await readTokenAnswer(response);
    const life = Math.max(shortestLife, answer.expiresIn);
    // Some time before its end, so that it does not run out on the way.
    const expires = started + life * 1000 - Math.min(10_000, life * 200);
    return { token: { value: answer.token, expires }, refreshToken: answer.refreshToken };
  }

  #getToken(
    { scopes, credentials, tls }: Grant,
    { realm, service, offline, signal }: BearerRealm & { offline: boolean; signal: AbortSignal },
  ): Promise<Response> {
    const url = new URL(realm);
    if (service !== '') url.searchParams.set('service', service);
    for (const scope of scopes) url.searchParams.append('scope', scope);
    if (offline) {
      url.searchParams.set('offline_token', 'true');
      url.searchParams.set('client_id', clientId);
    }
    const headers: Record<string, string> = {};
    if (credentials.username !== '') {
      url.searchParams.set('account', credentials.username);
      headers.Authorization = basicHeader(credentials);
    }
    return this.#transport.send(url.href, { method: 'GET', headers, tls, signal, follow: true });
  }

  /** distribution: auth/oauth */
  #refreshToken(
    { scopes, credentials, tls }: Grant,
    { realm, service, signal }: BearerRealm & { signal: AbortSignal },
  ): Promise<Response> {
    const form = new URLSearchParams({
      grant_type: 'refresh_token',
      service,
      client_id: clientId,
      scope: scopes.join(' '),
      refresh_token: credentials.identityToken,
    });
    const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
    return this.#transport.send(realm, { method: 'POST', headers, body: form.toString(), tls, signal });
  }

  /** A password must not travel in the clear because a registry that is reached by TLS says so. */
  #checkRealm(realm: string, { origin, credentials }: Grant): string {
    const url = URL.parse(realm);
    if (!url || !/^https?:$/.test(url.protocol)) {
      throw new EngineError('unavailable', `unable to get a token from ${origin}: its realm is no address`);
    }
    if (origin.startsWith('https:') && url.protocol === 'http:' && !isAnonymous(credentials)) {
      throw new EngineError('unavailable', `${origin} wants credentials to be sent to ${url.origin}, in the clear`);
    }
    return realm;
  }
}

interface TokenAnswer {
  readonly token: string;
  readonly refreshToken: string;
  /** Seconds. */
  readonly expiresIn: number;
}

async function readTokenAnswer(response: Response): Promise<TokenAnswer> {
  const host = new URL(response.url).host;
  let fields: Record<string, unknown>;
  try {
    const text = await response.text();
    if (text.length > 1 << 20) throw new Error('too long');
    fields = JSON.parse(text);
  } catch (cause) {
    throw new EngineError('unavailable', `unable to decode the token response of ${host}`, { cause });
  }
  const text = (key: string) => (typeof fields[key] === 'string' ? (fields[key] as string) : '');
  const token = text('token') || text('access_token');
  if (token === '' || /[\x00-\x20\x7f]/.test(token)) {
    throw new RegistryError('authorization server did not include a token in the response', { status: 401, host });
  }
  const expiresIn = Number(fields.expires_in);
  return {
    token,
    refreshToken: text('refresh_token'),
    expiresIn: Number.isFinite(expiresIn) ? expiresIn : 0,
  };
}

function basicHeader({ username, password }: Credentials): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

/** Secrets are in it as a digest only. */
function tokenKey({ origin, scopes, credentials }: Grant): string {
  const who = createHash('sha256').update(JSON.stringify(credentials)).digest('base64url');
  return [origin, who, ...scopes].join(' ');
}

/** The oldest goes when there are too many. */
function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
  if (map.size > maximumRemembered) map.delete(map.keys().next().value!);
}

function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
