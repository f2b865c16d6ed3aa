import { inspectFormat } from '../../flags/common.ts';
import { atLeast, defineCommand } from '../command.ts';
import { segment } from '../for-each.ts';
import { inspectAll } from '../inspect-all.ts';

export const command = defineCommand({
  usage: '[OPTIONS] PLUGIN [PLUGIN...]',
  args: atLeast(1),
  flags: { format: inspectFormat },
  async run(cli, { format }, names) {
    const client = await cli.client();
    await inspectAll(cli, names, format, (name) => client.text('GET', `/plugins/${segment(name)}/json`));
  },
});
