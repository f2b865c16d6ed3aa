import { invalidArgument } from '@wharf/base/error';
import type { Action } from '@wharf/registry/server/access/access-control';
import { RobotTokens } from '@wharf/registry/server/access/robot-tokens';
import { milliseconds } from '@wharf/registry/server/config';
import type { Values } from '../commands.ts';
import { text } from '../overrides.ts';
import { formatTable } from '../table.ts';
import { accountFiles } from './users.ts';

export async function createToken(values: Values, [name, ...more]: readonly string[]): Promise<number> {
  if (name === undefined || more.length > 0) throw invalidArgument('name one token');
  const scopes = ((values.scope as string[] | undefined) ?? []).map(parseScope);
  if (scopes.length === 0) throw invalidArgument('say what the token may do: --scope team/**:pull,push');
  const given = text(values.expires) ?? '90d';
  const lifetime = given === '0' ? undefined : milliseconds('expires', given, '');
  const expiry = lifetime === undefined ? {} : { expires: Date.now() + lifetime };
  const { id, secret } = await openTokens(values).create({ name, scopes, ...expiry });
  process.stdout.write(`${secret}\n`);
  process.stderr.write(`Token ${id}: log in as ${name} with it as the password. It is not shown again.\n`);
  return 0;
}

export async function removeTokens(values: Values, names: readonly string[]): Promise<number> {
  if (names.length === 0) throw invalidArgument('name the tokens to revoke');
  const tokens = openTokens(values);
  for (const name of names) {
    await tokens.remove(name);
    process.stdout.write(`${name}\n`);
  }
  return 0;
}

export async function listTokens(values: Values): Promise<number> {
  const rows = (await openTokens(values).list()).map(({ id, name, scopes, expires }) => [
    id,
    name,
    scopes.map(({ repositories, actions }) => `${repositories}:${actions.join(',')}`).join(' '),
    expires === undefined
      ? 'never'
      : new Date(expires).toISOString().slice(0, 19) + (expires < Date.now() ? ' (over)' : ''),
  ]);
  process.stdout.write(formatTable(['ID', 'NAME', 'MAY', 'EXPIRES'], rows));
  return 0;
}

function openTokens(values: Values): RobotTokens {
  return new RobotTokens(accountFiles(values).tokens);
}

function parseScope(scope: string): { repositories: string; actions: Action[] } {
  const match = /^([^:]+):((?:pull|push|delete)(?:,(?:pull|push|delete))*)$/.exec(scope);
  if (!match) throw invalidArgument(`invalid scope ${JSON.stringify(scope)}: write it as team/**:pull,push`);
  return { repositories: match[1]!, actions: match[2]!.split(',') as Action[] };
}
