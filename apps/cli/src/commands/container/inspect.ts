import { inspectFormat } from '../../flags/common.ts';
import { bool } from '../../flags/flag.ts';
import { atLeast, defineCommand } from '../command.ts';
import { segment } from '../for-each.ts';
import { inspectAll } from '../inspect-all.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  args: atLeast(1),
  complete: ['container'],
  flags: { format: inspectFormat, size: bool('Show how much disk it takes', { short: 's' }) },
  async run(cli, { format, size }, names) {
    const client = await cli.client();
    await inspectAll(cli, names, format, (name) =>
      client.text('GET', `/containers/${segment(name)}/json`, { query: { size: size || undefined } }),
    );
  },
});
