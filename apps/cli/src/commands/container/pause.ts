import type { Cli } from '../../cli.ts';
import { atLeast, defineCommand } from '../command.ts';
import { forEachArgument, segment } from '../for-each.ts';

export const pause = freezer('pause');
export const unpause = freezer('unpause');

function freezer(verb: 'pause' | 'unpause') {
  return defineCommand({
    usage: 'CONTAINER [CONTAINER...]',
    args: atLeast(1),
    complete: ['running-container'],
    flags: {},
    async run(cli: Cli, _flags, names: readonly string[]) {
      const client = await cli.client();
      await forEachArgument(cli, names, async (name) => {
        await client.call('POST', `/containers/${segment(name)}/${verb}`);
        return name;
      });
    },
  });
}
