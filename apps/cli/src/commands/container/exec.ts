import type { ApiClient } from '@wharf/api/client/api-client';
import type { ExecInspect } from '@wharf/api/exec';
import { ExitError } from '../../exit-error.ts';
import { detachKeys } from '../../flags/common.ts';
import { bool, list, text } from '../../flags/flag.ts';
import { checkEnv } from '../../flags/values/checks.ts';
import { isTerminal, terminalSize } from '../../terminal/terminal.ts';
import { atLeast, defineCommand } from '../command.ts';
import { segment } from '../for-each.ts';
import { environmentOf } from './environment.ts';
import { followTerminalSize } from './resize.ts';
import { requireTerminal } from './run-errors.ts';
import { streamContainer } from './stream.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER COMMAND [ARG...]',
  args: atLeast(2),
  interspersed: false,
  complete: ['running-container', 'none'],
  flags: {
    detach: bool('Leave the command running in the background', { short: 'd' }),
    'detach-keys': detachKeys,
    env: list('Set an environment variable (NAME=value, or NAME to pass it on)', {
      short: 'e',
      check: checkEnv,
      complete: 'environment',
    }),
    'env-file': list('Read environment variables from a file', { complete: 'file' }),
    interactive: bool('Keep standard input open', { short: 'i' }),
    privileged: bool('Give the command all capabilities'),
    tty: bool('Give the command a terminal', { short: 't' }),
    user: text('User to run as (name|uid[:group|gid])', { short: 'u', complete: 'none' }),
    workdir: text('Working directory inside the container', { short: 'w', complete: 'none' }),
  },
  async run(cli, flags, [container = '', ...Cmd]) {
    const client = await cli.client();
    const path = `/containers/${segment(container)}`;
    const Env = await environmentOf(cli, flags['env-file'], flags.env, false);
    // Nobody can remove an exec: the container is looked for before one is made for a terminal that is not there.
    await client.call('GET', `${path}/json`);
    const stdin = flags.interactive && !flags.detach;
    if (!flags.detach) requireTerminal(stdin, flags.tty);
    const keys = flags['detach-keys'] || (await cli.config()).detachKeys || '';
    const size = flags.tty ? terminalSize(1) : undefined;
    const console = size ? { ConsoleSize: [size.rows, size.columns] } : {};
    const { Id } = await client.json<{ Id: string }>('POST', `${path}/exec`, {
      body: {
        User: flags.user,
        Privileged: flags.privileged,
        Tty: flags.tty,
        AttachStdin: stdin,
        AttachStdout: !flags.detach,
        AttachStderr: !flags.detach,
        Detach: flags.detach,
        DetachKeys: keys,
        Env: Env.length > 0 ? Env : null,
        WorkingDir: flags.workdir,
        Cmd,
        ...console,
      },
    });
    if (flags.detach) {
      await client.call('POST', `/exec/${Id}/start`, { body: { Detach: true, Tty: flags.tty, ...console } });
      return 0;
    }
    const hijacked = await client.hijack(`/exec/${Id}/start`, { body: { Detach: false, Tty: flags.tty, ...console } });
    const stopResizing = flags.tty && isTerminal(0) ? followTerminalSize(client, `/exec/${Id}`, 1) : () => {};
    try {
      const end = await streamContainer(cli, hijacked, {
        stdin,
        stdout: true,
        stderr: true,
        tty: flags.tty,
        detachKeys: keys,
      });
      if (end === 'detached') throw new ExitError(1, 'read escape sequence');
    } finally {
      stopResizing();
    }
    return exitCode(client, Id);
  },
});

// The output may end a moment before the process does.
async function exitCode(client: ApiClient, id: string): Promise<number> {
  for (let attempt = 0; ; attempt++) {
    const { Running, ExitCode } = await client.json<ExecInspect>('GET', `/exec/${id}/json`);
    if (!Running || attempt === 100) return ExitCode ?? 0;
    await Bun.sleep(10);
  }
}
