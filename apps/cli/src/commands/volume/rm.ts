import { bool } from '../../flags/flag.ts';
import { atLeast, defineCommand } from '../command.ts';
import { forEachArgument, segment } from '../for-each.ts';

export const command = defineCommand({
  usage: '[OPTIONS] VOLUME [VOLUME...]',
  args: atLeast(1),
  complete: ['volume'],
  flags: { force: bool('Do not fail where there is none', { short: 'f' }) },
  async run(cli, { force }, names) {
    const client = await cli.client();
    await forEachArgument(cli, names, async (name) => {
      await client.call('DELETE', `/volumes/${segment(name)}`, { query: { force: force || undefined } });
      return name;
    });
  },
});
