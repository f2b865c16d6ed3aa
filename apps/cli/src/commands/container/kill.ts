import { text } from '../../flags/flag.ts';
import { atLeast, defineCommand } from '../command.ts';
import { forEachArgument, segment } from '../for-each.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  args: atLeast(1),
  complete: ['running-container'],
  flags: {
    signal: text('Signal to send (default "KILL")', {
      short: 's',
      complete: ['HUP', 'INT', 'KILL', 'TERM', 'USR1', 'USR2'],
    }),
  },
  async run(cli, { signal }, names) {
    const client = await cli.client();
    await forEachArgument(cli, names, async (name) => {
      await client.call('POST', `/containers/${segment(name)}/kill`, { query: { signal: signal || undefined } });
      return name;
    });
  },
});
