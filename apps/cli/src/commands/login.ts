import type { AuthResponse } from '@wharf/api/registry';
import type { Cli } from '../cli.ts';
import {
  readCredentials,
  type StoredCredentials,
  serverKey,
  storeCredentials,
} from '../credentials/credential-store.ts';
import { ExitError } from '../exit-error.ts';
import { bool, isChanged, text } from '../flags/flag.ts';
import { readLine } from '../terminal/confirm.ts';
import { hideInput, isTerminal } from '../terminal/terminal.ts';
import { atMost, defineCommand } from './command.ts';

export const command = defineCommand({
  usage: '[OPTIONS] [SERVER]',
  args: atMost(1),
  details: 'Without a server it is Docker Hub.',
  flags: {
    password: text('Password or access token', { short: 'p', complete: 'none' }),
    'password-stdin': bool('Read the password or access token from standard input'),
    username: text('Name of the user', { short: 'u', complete: 'none' }),
  },
  async run(cli, flags, [server]) {
    const key = serverKey(server);
    if (isChanged(flags, 'password')) {
      if (flags['password-stdin'])
        throw new ExitError(1, 'conflicting options: cannot specify both --password and --password-stdin');
      cli.err.print('WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n');
    }
    if (flags['password-stdin'] && flags.username === '') {
      throw new ExitError(1, 'the --password-stdin option requires --username to be set');
    }
    if (flags.username === '' && flags.password === '' && (await loginAgain(cli, key))) return;
    const given = { username: flags.username, password: flags.password };
    if (flags['password-stdin']) given.password = (await new Response(Bun.stdin.stream()).text()).replace(/\r?\n$/, '');
    const credentials = await ask(cli, given);
    const { Status, IdentityToken } = await authenticate(cli, key, { ...credentials, identityToken: '' });
    const kept =
      IdentityToken === ''
        ? { ...credentials, identityToken: '' }
        : { username: credentials.username, password: '', identityToken: IdentityToken };
    const isPlain = await storeCredentials(cli, key, kept);
    if (isPlain) {
      cli.err.print(
        `\nWARNING! Your credentials are stored unencrypted in '${cli.configDirectory}/config.json'.\nConfigure a credential helper to remove this warning. See\nhttps://docs.docker.com/go/credential-store/\n\n`,
      );
    }
    cli.out.print(`${Status}\n`);
  },
});

/** With what is stored already; false where there is nothing, or it no longer opens. */
async function loginAgain(cli: Cli, key: string): Promise<boolean> {
  const stored = await readCredentials(cli, key);
  if (!stored) return false;
  const who = stored.username === '' ? '' : ` [Username: ${stored.username}]`;
  cli.err.print(`Authenticating with existing credentials...${who}\n\n`);
  try {
    const { Status, IdentityToken } = await authenticate(cli, key, stored);
    if (IdentityToken !== '')
      await storeCredentials(cli, key, { ...stored, password: '', identityToken: IdentityToken });
    cli.out.print(`${Status}\n`);
    return true;
  } catch (error) {
    cli.out.print(`Login did not succeed, error: ${error instanceof Error ? error.message : String(error)}\n`);
    return false;
  }
}

async function authenticate(cli: Cli, key: string, credentials: StoredCredentials): Promise<AuthResponse> {
  const client = await cli.client();
  const { username, password, identityToken } = credentials;
  return client.json<AuthResponse>('POST', '/auth', {
    body: {
      username,
      password,
      serveraddress: key,
      ...(identityToken === '' ? {} : { identitytoken: identityToken }),
    },
  });
}

/** What is missing, from who sits at the terminal. */
async function ask(
  cli: Cli,
  { username, password }: { username: string; password: string },
): Promise<{ username: string; password: string }> {
  if (username !== '' && password !== '') return { username, password };
  if (!isTerminal(0)) throw new ExitError(1, 'Error: Cannot perform an interactive login from a non TTY device');
  const user = username === '' ? await prompt(cli, 'Username: ') : username;
  if (user === '') throw new ExitError(1, 'Error: Non-null Username Required');
  if (password !== '') return { username: user, password };
  const restore = hideInput(0);
  try {
    const typed = await prompt(cli, 'Password: ');
    cli.out.print('\n');
    if (typed === '') throw new ExitError(1, 'Error: Password Required');
    return { username: user, password: typed };
  } finally {
    restore();
  }
}

async function prompt(cli: Cli, question: string): Promise<string> {
  cli.out.print(question);
  await cli.out.flush();
  return (await readLine()).trim();
}
