import type { ApiClient } from '@wharf/api/client/api-client';
import type { ContainerInspect } from '@wharf/api/container';
import type { Cli } from '../../cli.ts';
import { describeError, hintFor } from '../../describe-error.ts';
import { ExitError } from '../../exit-error.ts';
import { detachKeys } from '../../flags/common.ts';
import { bool, text } from '../../flags/flag.ts';
import { isTerminal } from '../../terminal/terminal.ts';
import { checkpointDir } from '../checkpoint/checkpoint-dir.ts';
import { atLeast, defineCommand } from '../command.ts';
import { segment } from '../for-each.ts';
import { armWait } from './arm-wait.ts';
import { followTerminalSize } from './resize.ts';
import { forwardSignals } from './signals.ts';
import { streamContainer } from './stream.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  args: atLeast(1),
  complete: ['container'],
  flags: {
    attach: bool('Show its output and hand our signals on to it', { short: 'a' }),
    checkpoint: text('Go on from this checkpoint', { complete: 'none' }),
    'checkpoint-dir': checkpointDir,
    'detach-keys': detachKeys,
    interactive: bool('Connect our standard input', { short: 'i' }),
  },
  async run(cli, flags, names) {
    const client = await cli.client();
    const from = { checkpoint: flags.checkpoint || undefined, 'checkpoint-dir': flags['checkpoint-dir'] || undefined };
    if (flags.checkpoint !== '' && names.length > 1) {
      throw new ExitError(1, 'you cannot restore multiple containers at once');
    }
    if (!flags.attach && !flags.interactive) return startAll(cli, client, names, from);
    if (names.length > 1) throw new ExitError(1, 'you cannot start and attach multiple containers at once');
    const keys = flags['detach-keys'] || (await cli.config()).detachKeys || '';
    return startAttached(cli, client, names[0] ?? '', { interactive: flags.interactive, keys, from });
  },
});

/** Where a start goes on from, as the API's query says it. */
interface From {
  readonly checkpoint: string | undefined;
  readonly 'checkpoint-dir': string | undefined;
}

async function startAll(cli: Cli, client: ApiClient, names: readonly string[], from: From): Promise<number> {
  const failed: string[] = [];
  for (const name of names) {
    try {
      await client.call('POST', `/containers/${segment(name)}/start`, { query: { ...from } });
      cli.out.print(`${name}\n`);
    } catch (error) {
      if (hintFor(error) !== undefined) throw error;
      cli.err.print(`${describeError(error)}\n`);
      failed.push(name);
    }
  }
  if (failed.length > 0) throw new ExitError(1, `Error: failed to start containers: ${failed.join(', ')}`);
  return 0;
}

async function startAttached(
  cli: Cli,
  client: ApiClient,
  name: string,
  { interactive, keys, from }: { readonly interactive: boolean; readonly keys: string; readonly from: From },
) {
  const { Id, Config, HostConfig } = await client.json<ContainerInspect>('GET', `/containers/${segment(name)}/json`);
  const tty = Config.Tty;
  const stdin = interactive && Config.OpenStdin;
  const stopSignals = tty ? () => {} : forwardSignals(client, Id);
  const hijacked = await client.hijack(`/containers/${Id}/attach`, {
    query: { stream: true, stdin, stdout: true, stderr: true, detachKeys: keys || undefined },
  });
  const session = streamContainer(cli, hijacked, { stdin, stdout: true, stderr: true, tty, detachKeys: keys });
  session.catch(() => {});
  const wait = await armWait(client, Id, HostConfig.AutoRemove ? 'removed' : 'next-exit');
  try {
    await client.call('POST', `/containers/${Id}/start`, { query: { ...from } });
  } catch (error) {
    hijacked.stream.close();
    throw error;
  }
  const stopResizing = tty && isTerminal(1) ? followTerminalSize(client, `/containers/${Id}`, 1) : () => {};
  try {
    if ((await session) === 'detached') return 0;
    return await wait.exit;
  } finally {
    stopResizing();
    stopSignals();
  }
}
