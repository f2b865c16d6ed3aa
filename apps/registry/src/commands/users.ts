import { createInterface } from 'node:readline';
import { invalidArgument } from '@wharf/base/error';
import { UsersFile } from '@wharf/registry/server/access/users-file';
import { loadConfig } from '@wharf/registry/server/config';
import type { Values } from '../commands.ts';
import { overridesFrom } from '../overrides.ts';
import { formatTable } from '../table.ts';

export async function addUser(values: Values, [name, ...more]: readonly string[]): Promise<number> {
  if (name === undefined || more.length > 0) throw invalidArgument('name one user');
  const password = await readPassword(values['password-stdin'] === true);
  await openUsers(values).put(name, password, (values.group as string[] | undefined) ?? []);
  process.stdout.write(`${name}\n`);
  return 0;
}

export async function removeUsers(values: Values, names: readonly string[]): Promise<number> {
  if (names.length === 0) throw invalidArgument('name the users to remove');
  const users = openUsers(values);
  for (const name of names) {
    await users.remove(name);
    process.stdout.write(`${name}\n`);
  }
  return 0;
}

export async function listUsers(values: Values): Promise<number> {
  const rows = (await openUsers(values).list()).map(({ name, groups }) => [name, groups.join(', ')]);
  process.stdout.write(formatTable(['USER', 'GROUPS'], rows));
  return 0;
}

export function accountFiles(values: Values): { users: string; tokens: string } {
  const { users, tokens } = loadConfig(overridesFrom(values));
  if (users === undefined) throw invalidArgument('name the users file: --users FILE, or a --config that has one');
  return { users, tokens };
}

function openUsers(values: Values): UsersFile {
  return new UsersFile(accountFiles(values).users);
}

/** Without echo on a terminal; never an argument, which others on the machine could read. */
async function readPassword(fromStdin: boolean): Promise<string> {
  if (!fromStdin && !process.stdin.isTTY) throw invalidArgument('use --password-stdin where there is no terminal');
  if (fromStdin) {
    const text = await new Response(Bun.stdin.stream()).text();
    return text.replace(/\r?\n$/, '');
  }
  const lines = createInterface({ input: process.stdin, terminal: false });
  process.stderr.write('Password: ');
  const hide = Bun.spawnSync(['stty', '-echo'], { stdin: 'inherit' });
  try {
    for await (const line of lines) return line;
    return '';
  } finally {
    if (hide.success) Bun.spawnSync(['stty', 'echo'], { stdin: 'inherit' });
    process.stderr.write('\n');
    lines.close();
  }
}
