import { RegistryError } from '../error.ts';
import type { RepositoryName } from '../names.ts';
import type { AccessControl, Action, Identity } from './access-control.ts';
import type { Account, Accounts } from './accounts.ts';
import { AttemptLimit } from './attempt-limit.ts';
import { issueToken } from './token-service.ts';
import type { Grant, TokenSigner } from './token-signer.ts';

export interface UserAccessOptions {
  readonly accounts: Accounts;
  readonly signer: TokenSigner;
  /** How clients reach this registry, where the Host header does not say it. */
  readonly externalUrl?: string | undefined;
}

/** Users with passwords, robots with tokens, and what the token service gave to either. */
export class UserAccess implements AccessControl {
  readonly greetsWithChallenge = true;
  readonly #options: UserAccessOptions;
  readonly #attempts = new AttemptLimit();

  constructor(options: UserAccessOptions) {
    this.#options = options;
  }

  async identify(request: Request, peer: string): Promise<Identity> {
    const authorization = request.headers.get('authorization') ?? '';
    const bearer = /^bearer +(\S+)$/i.exec(authorization)?.[1];
    if (bearer !== undefined) return await this.#identifyByToken(request, bearer);
    const account = await this.#logInByHeader(request, peer);
    const may = account.may;
    // Nobody yet may become somebody; somebody has what they have.
    const mightWith = account.name === undefined ? () => true : may;
    return { name: account.name, may, mightWith, mayList: (repository) => may(repository, 'pull') };
  }

  async #identifyByToken(request: Request, token: string): Promise<Identity> {
    const { accounts, signer } = this.#options;
    const claims = await signer.verify(token, 'access');
    const account = claims && (claims.subject === '' ? accounts.anonymous : await accounts.find(claims.subject));
    if (!claims?.access || account?.stamp !== claims.stamp) {
      throw new RegistryError('UNAUTHORIZED', 'the token is not valid, or not any more', {
        headers: { 'WWW-Authenticate': `${this.challenge(request, undefined)},error="invalid_token"` },
      });
    }
    const { access } = claims;
    const isList = access.some(({ type, name }) => type === 'registry' && name === 'catalog');
    return {
      name: account.name,
      may: (repository, action) => isGranted(access, repository, action) && account.may(repository, action),
      mightWith: (repository, action) => account.name === undefined || account.may(repository, action),
      mayList: (repository) => isList && account.may(repository, 'pull'),
    };
  }

  challenge(request: Request, scope: string | undefined): string {
    const base = this.#baseUrl(request);
    const fields = [`realm="${base}/token"`, `service="${new URL(base).host}"`];
    if (scope !== undefined) fields.push(`scope="${scope}"`);
    return `Bearer ${fields.join(',')}`;
  }

  issueToken(request: Request, peer: string): Promise<Response> {
    const { accounts, signer } = this.#options;
    const deps = {
      accounts,
      signer,
      logIn: (name: string, password: string, from: string) => this.#logIn(name, password, from),
      logInByHeader: (asked: Request, from: string) => this.#logInByHeader(asked, from),
    };
    return issueToken(deps, request, peer);
  }

  async #logInByHeader(request: Request, peer: string): Promise<Account> {
    const authorization = request.headers.get('authorization');
    if (authorization === null) return this.#options.accounts.anonymous;
    const encoded = /^basic +([A-Za-z0-9+/=_-]+)$/i.exec(authorization)?.[1];
    const decoded = Buffer.from(encoded ?? '', 'base64').toString('utf8');
    const colon = decoded.indexOf(':');
    if (colon < 0) throw new RegistryError('UNAUTHORIZED', 'unknown form of credentials', this.#challenged(request));
    try {
      return await this.#logIn(decoded.slice(0, colon), decoded.slice(colon + 1), peer);
    } catch (error) {
      if (!(error instanceof RegistryError) || error.code !== 'UNAUTHORIZED') throw error;
      throw new RegistryError('UNAUTHORIZED', error.message, this.#challenged(request));
    }
  }

  async #logIn(name: string, password: string, peer: string): Promise<Account> {
    const key = `${peer} ${name}`;
    if (this.#attempts.isExceeded(key)) {
      throw new RegistryError('TOOMANYREQUESTS', 'too many wrong passwords: wait a minute', {
        headers: { 'Retry-After': '60' },
      });
    }
    const account = await this.#options.accounts.logIn(name, password);
    if (!account) {
      this.#attempts.fail(key);
      throw new RegistryError('UNAUTHORIZED', 'incorrect username or password');
    }
    this.#attempts.succeed(key);
    return account;
  }

  #challenged(request: Request): { headers: Record<string, string> } {
    return { headers: { 'WWW-Authenticate': this.challenge(request, undefined) } };
  }

  /** Behind a proxy that ends TLS the address that clients know is another than ours. */
  #baseUrl(request: Request): string {
    if (this.#options.externalUrl !== undefined) return this.#options.externalUrl.replace(/\/+$/, '');
    const { protocol, host } = new URL(request.url);
    const forwarded = request.headers.get('x-forwarded-proto');
    return `${forwarded === 'https' ? 'https:' : protocol}//${host}`;
  }
}

function isGranted(access: readonly Grant[], repository: RepositoryName, action: Action): boolean {
  return access.some(
    ({ type, name, actions }) => type === 'repository' && name === repository && actions.includes(action),
  );
}
