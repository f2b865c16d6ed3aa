import { inspectFormat } from '../../flags/common.ts';
import { bool } from '../../flags/flag.ts';
import { atLeast, defineCommand } from '../command.ts';
import { segment } from '../for-each.ts';
import { inspectAll } from '../inspect-all.ts';

export const command = defineCommand({
  usage: '[OPTIONS] NETWORK [NETWORK...]',
  args: atLeast(1),
  complete: ['network'],
  flags: { format: inspectFormat, verbose: bool('Show services and tasks too', { short: 'v' }) },
  async run(cli, { format, verbose }, names) {
    const client = await cli.client();
    await inspectAll(cli, names, format, (name) =>
      client.text('GET', `/networks/${segment(name)}`, { query: { verbose: verbose || undefined } }),
    );
  },
});
