import type { ParseArgsConfig } from 'node:util';

export interface Command {
  readonly usage: string;
  readonly summary: string;
  readonly options: NonNullable<ParseArgsConfig['options']>;
  /** What each option is for. */
  readonly help: Readonly<Record<string, string>>;
  run(values: Values, positionals: readonly string[]): Promise<number | undefined>;
}

export type Values = Readonly<Record<string, string | boolean | string[] | undefined>>;

const where = {
  config: { type: 'string', short: 'c' },
  root: { type: 'string' },
} as const;
const whereHelp = {
  config: 'Configuration file (JSON)',
  root: 'Directory of everything (default /var/lib/wharf-registry)',
};
const people = { config: { type: 'string', short: 'c' }, users: { type: 'string' } } as const;
const peopleHelp = { config: 'Configuration file that names the users file', users: 'The users file' };

/** Every command by its words. What it does is read when it runs. */
export const commands: Readonly<Record<string, Command>> = {
  serve: {
    usage: 'serve [OPTIONS]',
    summary: 'Serve images until told to stop',
    options: {
      ...where,
      listen: { type: 'string', short: 'l', multiple: true },
      users: { type: 'string' },
      'anonymous-pull': { type: 'boolean' },
      'tls-cert': { type: 'string' },
      'tls-key': { type: 'string' },
      upstream: { type: 'string', multiple: true },
      'read-only': { type: 'boolean' },
      'no-delete': { type: 'boolean' },
      'access-log': { type: 'string' },
    },
    help: {
      ...whereHelp,
      listen: 'host:port to listen on, may be repeated (default 127.0.0.1:5000)',
      users: 'File of users; without one whoever reaches the registry may do anything',
      'anonymous-pull': 'Let those who did not log in pull',
      'tls-cert': 'Certificate, with those between it and its authority',
      'tls-key': "The certificate's key",
      upstream: 'Cache another registry: docker.io, hub=docker.io, or =docker.io for what is not found here',
      'read-only': 'Take no pushes',
      'no-delete': 'Delete nothing',
      'access-log': 'Write a line of JSON for each request to this file, or to - for standard output',
    },
    run: async (values) => (await import('./commands/serve.ts')).serve(values),
  },
  gc: {
    usage: 'gc [OPTIONS]',
    summary: 'Apply retention rules and remove what nothing refers to, while the registry runs',
    options: { ...where, 'dry-run': { type: 'boolean' }, grace: { type: 'string' } },
    help: { ...whereHelp, 'dry-run': 'Say what would go, and remove nothing', grace: 'Leave alone what is younger' },
    run: async (values) => (await import('./commands/collect.ts')).collect(values),
  },
  ls: {
    usage: 'ls [OPTIONS] [REPOSITORY]',
    summary: 'List repositories, or the tags of one',
    options: where,
    help: whereHelp,
    run: async (values, positionals) => (await import('./commands/contents.ts')).list(values, positionals),
  },
  rm: {
    usage: 'rm [OPTIONS] REPOSITORY[:TAG|@DIGEST]...',
    summary: 'Remove tags, manifests, or whole repositories',
    options: where,
    help: whereHelp,
    run: async (values, positionals) => (await import('./commands/contents.ts')).remove(values, positionals),
  },
  'user add': {
    usage: 'user add [OPTIONS] NAME',
    summary: 'Add a user, or change the password of one',
    options: { ...people, 'password-stdin': { type: 'boolean' }, group: { type: 'string', multiple: true } },
    help: { ...peopleHelp, 'password-stdin': 'Read the password from standard input', group: 'Group of the user' },
    run: async (values, positionals) => (await import('./commands/users.ts')).addUser(values, positionals),
  },
  'user rm': {
    usage: 'user rm [OPTIONS] NAME...',
    summary: 'Remove users',
    options: people,
    help: peopleHelp,
    run: async (values, positionals) => (await import('./commands/users.ts')).removeUsers(values, positionals),
  },
  'user ls': {
    usage: 'user ls [OPTIONS]',
    summary: 'List users',
    options: people,
    help: peopleHelp,
    run: async (values) => (await import('./commands/users.ts')).listUsers(values),
  },
  'token create': {
    usage: 'token create [OPTIONS] NAME',
    summary: 'Create a token for a machine, and print it once',
    options: { ...people, scope: { type: 'string', multiple: true }, expires: { type: 'string' } },
    help: {
      ...peopleHelp,
      scope: 'What it may do, may be repeated: team/**:pull,push',
      expires: 'How long it lasts: 24h, 90d (default 90d; 0 for ever)',
    },
    run: async (values, positionals) => (await import('./commands/tokens.ts')).createToken(values, positionals),
  },
  'token rm': {
    usage: 'token rm [OPTIONS] NAME|ID...',
    summary: 'Revoke tokens',
    options: people,
    help: peopleHelp,
    run: async (values, positionals) => (await import('./commands/tokens.ts')).removeTokens(values, positionals),
  },
  'token ls': {
    usage: 'token ls [OPTIONS]',
    summary: 'List tokens',
    options: people,
    help: peopleHelp,
    run: async (values) => (await import('./commands/tokens.ts')).listTokens(values),
  },
};

/** Of one command, or of all. */
export function formatHelp(name?: string): string {
  const command = name === undefined ? undefined : commands[name];
  if (!command) {
    const width = Math.max(...Object.keys(commands).map((key) => key.length)) + 2;
    const rows = Object.entries(commands).map(([key, { summary }]) => `  ${key.padEnd(width)}${summary}`);
    const end = "Run 'wharf registry COMMAND --help' for more on a command.";
    return `Usage:  wharf registry COMMAND\n\nKeep images, and give them to whoever may have them\n\nCommands:\n${rows.join('\n')}\n\n${end}\n`;
  }
  const rows = Object.entries(command.options).map(([key, { type, short }]) => {
    const flag = `${short ? `-${short}, ` : '    '}--${key}${type === 'string' ? ' string' : ''}`;
    return [flag, command.help[key] ?? ''] as const;
  });
  const width = Math.max(...rows.map(([flag]) => flag.length)) + 3;
  const lines = rows.map(([flag, help]) => `  ${flag.padEnd(width)}${help}`);
  return `Usage:  wharf registry ${command.usage}\n\n${command.summary}\n\nOptions:\n${lines.join('\n')}\n`;
}
