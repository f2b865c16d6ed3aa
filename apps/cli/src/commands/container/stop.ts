import type { Cli } from '../../cli.ts';
import { int, isChanged, text } from '../../flags/flag.ts';
import { atLeast, defineCommand } from '../command.ts';
import { forEachArgument, segment } from '../for-each.ts';

export const stop = stopper('stop');
export const restart = stopper('restart');

function stopper(verb: 'stop' | 'restart') {
  return defineCommand({
    usage: '[OPTIONS] CONTAINER [CONTAINER...]',
    args: atLeast(1),
    complete: [verb === 'stop' ? 'running-container' : 'container'],
    flags: {
      signal: text('Signal to stop it with', { short: 's', complete: ['HUP', 'INT', 'KILL', 'TERM', 'USR1', 'USR2'] }),
      time: int('Seconds to wait before it is killed', { hidden: true }),
      timeout: int('Seconds to wait before it is killed; -1 to wait for ever', { short: 't' }),
    },
    async run(cli: Cli, flags, names: readonly string[]) {
      const client = await cli.client();
      const t = isChanged(flags, 'timeout') ? flags.timeout : isChanged(flags, 'time') ? flags.time : undefined;
      await forEachArgument(cli, names, async (name) => {
        const query = { signal: flags.signal || undefined, t };
        await client.call('POST', `/containers/${segment(name)}/${verb}`, { query });
        return name;
      });
    },
  });
}
