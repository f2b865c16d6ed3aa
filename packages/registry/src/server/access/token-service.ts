import { RegistryError } from '../error.ts';
import { isRepositoryName } from '../names.ts';
import type { Action } from './access-control.ts';
import type { Account, Accounts } from './accounts.ts';
import type { Grant, TokenSigner } from './token-signer.ts';

const accessSeconds = 5 * 60;
const refreshSeconds = 30 * 24 * 60 * 60;
const actions: readonly string[] = ['pull', 'push', 'delete'] satisfies Action[];

export interface TokenServiceDeps {
  readonly accounts: Accounts;
  readonly signer: TokenSigner;
  /** Throws UNAUTHORIZED or TOOMANYREQUESTS. */
  logIn(name: string, password: string, peer: string): Promise<Account>;
  /** By the Authorization header; the anonymous account without one. */
  logInByHeader(request: Request, peer: string): Promise<Account>;
}

/** `GET /token` and `POST /token`: distribution's token specification and its OAuth 2 form. */
export async function issueToken(deps: TokenServiceDeps, request: Request, peer: string): Promise<Response> {
  if (request.method === 'POST') return await answerForm(deps, request, peer);
  if (request.method !== 'GET') throw new RegistryError('UNSUPPORTED', 'tokens are asked for by GET or POST');
  const { searchParams } = new URL(request.url);
  const account = await deps.logInByHeader(request, peer);
  const scopes = searchParams.getAll('scope').flatMap((scope) => scope.split(' '));
  return await answerTokens(deps, account, { scopes, offline: searchParams.get('offline_token') === 'true' });
}

async function answerForm(deps: TokenServiceDeps, request: Request, peer: string): Promise<Response> {
  if (Number(request.headers.get('content-length') ?? 0) > 64 * 1024) {
    throw new RegistryError('SIZE_INVALID', 'the form is too large', { status: 413 });
  }
  const form = new URLSearchParams(await request.text());
  const scopes = (form.get('scope') ?? '').split(' ');
  const grantType = form.get('grant_type');
  if (grantType === 'password') {
    const account = await deps.logIn(form.get('username') ?? '', form.get('password') ?? '', peer);
    return await answerTokens(deps, account, { scopes, offline: form.get('access_type') === 'offline' });
  }
  if (grantType !== 'refresh_token') {
    throw new RegistryError('UNSUPPORTED', 'grant_type must be password or refresh_token', { status: 400 });
  }
  const token = form.get('refresh_token') ?? '';
  const claims = await deps.signer.verify(token, 'refresh');
  const account = claims && (await deps.accounts.find(claims.subject));
  if (!claims || account?.stamp !== claims.stamp) {
    throw new RegistryError('UNAUTHORIZED', 'the login is no longer valid: log in again');
  }
  return await answerTokens(deps, account, { scopes, offline: false, refreshToken: token });
}

async function answerTokens(
  { signer }: TokenServiceDeps,
  account: Account,
  { scopes, offline, refreshToken }: { scopes: readonly string[]; offline: boolean; refreshToken?: string },
): Promise<Response> {
  const access = scopes.flatMap((scope) => grant(scope, account));
  const subject = account.key ?? '';
  const token = await signer.sign({ subject, stamp: account.stamp, access }, accessSeconds);
  const isFirst = offline && account.key !== undefined;
  const refresh = isFirst
    ? await signer.sign({ subject, stamp: account.stamp, access: undefined }, refreshSeconds)
    : refreshToken;
  const body = {
    token,
    access_token: token,
    expires_in: accessSeconds,
    issued_at: new Date().toISOString(),
    ...(refresh !== undefined && { refresh_token: refresh }),
  };
  return Response.json(body, { headers: { 'Cache-Control': 'no-store' } });
}

/** As much of what is asked for as the account may have: a client is told by the registry what it lacks. */
function grant(scope: string, account: Account): Grant[] {
  const match = /^(repository(?:\([a-z0-9]+\))?|registry):(.+):([a-z*,]+)$/.exec(scope);
  if (!match) return [];
  const [, type = '', name = '', wanted = ''] = match;
  if (type === 'registry') return name === 'catalog' ? [{ type, name, actions: ['*'] }] : [];
  if (!isRepositoryName(name)) return [];
  const asked = wanted.split(',').flatMap((action) => (action === '*' ? actions : [action]));
  const granted = asked
    .filter((action): action is Action => actions.includes(action))
    .filter((action) => account.may(name, action));
  return granted.length === 0 ? [] : [{ type: 'repository', name, actions: granted }];
}
