import { atLeast, defineCommand } from '../command.ts';
import { forEachArgument, segment } from '../for-each.ts';
import { armWait } from './arm-wait.ts';

export const command = defineCommand({
  usage: 'CONTAINER [CONTAINER...]',
  args: atLeast(1),
  complete: ['running-container'],
  flags: {},
  async run(cli, _flags, names) {
    const client = await cli.client();
    await forEachArgument(cli, names, async (name) => {
      const { exit } = await armWait(client, segment(name), 'not-running');
      return String(await exit);
    });
  },
});
