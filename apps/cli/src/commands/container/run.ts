import type { ApiClient } from '@wharf/api/client/api-client';
import type { Cli } from '../../cli.ts';
import { ExitError } from '../../exit-error.ts';
import { detachKeys } from '../../flags/common.ts';
import { bool } from '../../flags/flag.ts';
import { isTerminal, terminalSize } from '../../terminal/terminal.ts';
import { atLeast, defineCommand } from '../command.ts';
import { armWait } from './arm-wait.ts';
import { containerFlags, createFlags } from './container-flags.ts';
import { checkPullPolicy, createContainer } from './create-container.ts';
import { type CreateBody, createRequest } from './create-request.ts';
import { followTerminalSize } from './resize.ts';
import { failRun, requireTerminal } from './run-errors.ts';
import { forwardSignals } from './signals.ts';
import { type StreamEnd, streamContainer } from './stream.ts';

export const command = defineCommand({
  usage: '[OPTIONS] IMAGE [COMMAND] [ARG...]',
  args: atLeast(1),
  interspersed: false,
  complete: ['image', 'none'],
  flags: {
    ...containerFlags,
    ...createFlags,
    detach: bool('Leave it running in the background and print its id', { short: 'd' }),
    'detach-keys': detachKeys,
    'sig-proxy': bool('Hand the signals that we get on to it', { initial: true }),
  },
  async run(cli, flags, [image = '', ...args]) {
    let body: CreateBody;
    try {
      checkPullPolicy(flags.pull);
      body = await createRequest(cli, flags, image, args);
    } catch (error) {
      throw failRun('run', error);
    }
    if (flags.detach) {
      if (flags.attach.length > 0) {
        throw new ExitError(1, 'conflicting options: cannot specify both --attach and --detach');
      }
      Object.assign(body, { AttachStdin: false, AttachStdout: false, AttachStderr: false, StdinOnce: false });
    } else requireTerminal(body.AttachStdin, body.Tty);
    const size = terminalSize(1);
    if (size) body.HostConfig.ConsoleSize = [size.rows, size.columns];
    let id: string;
    try {
      id = await createContainer(cli, body, flags);
    } catch (error) {
      throw failRun('run', error);
    }
    const keys = flags['detach-keys'] || (await cli.config()).detachKeys || '';
    return runCreated(cli, id, body, { autoRemove: flags.rm, signalProxy: flags['sig-proxy'], keys });
  },
});

interface RunOptions {
  readonly autoRemove: boolean;
  readonly signalProxy: boolean;
  readonly keys: string;
}

/** Attaches before it starts, and waits before that, so that neither output nor exit code can be missed. */
async function runCreated(cli: Cli, id: string, body: CreateBody, options: RunOptions): Promise<number> {
  const client = await cli.client();
  const attached = body.AttachStdin || body.AttachStdout || body.AttachStderr;
  const stopSignals = options.signalProxy && attached ? forwardSignals(client, id) : () => {};
  let session: Promise<StreamEnd> | undefined;
  if (attached) ({ session } = await attach(cli, client, id, body, options.keys));
  const silent = !body.AttachStdout && !body.AttachStderr;
  // Resolves once the daemon has armed the wait; what it waits for comes later.
  const wait =
    silent && !attached ? undefined : await armWait(client, id, options.autoRemove ? 'removed' : 'next-exit');
  try {
    await client.call('POST', `/containers/${id}/start`);
  } catch (error) {
    // With --rm the daemon removes what could not start; the caller may want the name again at once.
    if (options.autoRemove) await wait?.exit.catch(() => {});
    throw failRun('run', error);
  }
  if (silent) cli.out.print(`${id}\n`);
  const stopResizing =
    attached && body.Tty && isTerminal(1) ? followTerminalSize(client, `/containers/${id}`, 1) : () => {};
  try {
    if ((await session) === 'detached') return 0;
    return silent || !wait ? 0 : await wait.exit;
  } finally {
    stopResizing();
    stopSignals();
  }
}

async function attach(cli: Cli, client: ApiClient, id: string, body: CreateBody, keys: string) {
  const { AttachStdin: stdin, AttachStdout: stdout, AttachStderr: stderr, Tty: tty } = body;
  const hijacked = await client.hijack(`/containers/${id}/attach`, {
    query: { stream: true, stdin, stdout, stderr, detachKeys: keys || undefined },
  });
  const session = streamContainer(cli, hijacked, { stdin, stdout, stderr, tty, detachKeys: keys });
  // Looked at after the start; a failure until then must not count as unhandled.
  session.catch(() => {});
  return { session };
}
