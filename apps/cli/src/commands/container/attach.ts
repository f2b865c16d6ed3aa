import type { ContainerInspect } from '@wharf/api/container';
import { ExitError } from '../../exit-error.ts';
import { detachKeys } from '../../flags/common.ts';
import { bool } from '../../flags/flag.ts';
import { isTerminal } from '../../terminal/terminal.ts';
import { defineCommand, exactly } from '../command.ts';
import { segment } from '../for-each.ts';
import { armWait } from './arm-wait.ts';
import { followTerminalSize } from './resize.ts';
import { requireTerminal } from './run-errors.ts';
import { forwardSignals } from './signals.ts';
import { streamContainer } from './stream.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER',
  args: exactly(1),
  complete: ['running-container'],
  flags: {
    'detach-keys': detachKeys,
    'no-stdin': bool('Do not connect standard input'),
    'sig-proxy': bool('Hand the signals that we get on to it', { initial: true }),
  },
  async run(cli, flags, [name = '']) {
    const client = await cli.client();
    const { Id, State, Config } = await client.json<ContainerInspect>('GET', `/containers/${segment(name)}/json`);
    if (!State.Running) throw new ExitError(1, 'You cannot attach to a stopped container, start it first');
    if (State.Paused) throw new ExitError(1, 'You cannot attach to a paused container, unpause it first');
    if (State.Restarting)
      throw new ExitError(1, 'You cannot attach to a restarting container, wait until it is running');
    const tty = Config.Tty;
    const stdin = !flags['no-stdin'] && Config.OpenStdin;
    requireTerminal(!flags['no-stdin'], tty);
    const keys = flags['detach-keys'] || (await cli.config()).detachKeys || '';
    const wait = await armWait(client, Id, 'not-running');
    const stopSignals = flags['sig-proxy'] && !tty ? forwardSignals(client, Id) : () => {};
    const hijacked = await client.hijack(`/containers/${Id}/attach`, {
      query: { stream: true, stdin, stdout: true, stderr: true, detachKeys: keys || undefined },
    });
    const stopResizing = tty && isTerminal(1) ? followTerminalSize(client, `/containers/${Id}`, 1) : () => {};
    try {
      const end = await streamContainer(cli, hijacked, { stdin, stdout: true, stderr: true, tty, detachKeys: keys });
      if (end === 'detached') throw new ExitError(1, 'read escape sequence');
      return await wait.exit;
    } finally {
      stopResizing();
      stopSignals();
    }
  },
});
