import { bool } from '../../flags/flag.ts';
import { atLeast, defineCommand } from '../command.ts';
import { forEachArgument, segment } from '../for-each.ts';

export const command = defineCommand({
  usage: '[OPTIONS] PLUGIN [PLUGIN...]',
  args: atLeast(1),
  flags: { force: bool('Remove one that is enabled, too', { short: 'f' }) },
  async run(cli, { force }, names) {
    const client = await cli.client();
    await forEachArgument(cli, names, async (name) => {
      await client.call('DELETE', `/plugins/${segment(name)}`, { query: { force: force || undefined } });
      return name;
    });
  },
});
