import { inspectFormat } from '../../flags/common.ts';
import { text } from '../../flags/flag.ts';
import { atLeast, defineCommand } from '../command.ts';
import { segment } from '../for-each.ts';
import { inspectAll } from '../inspect-all.ts';
import { platformQuery } from './platform.ts';

export const command = defineCommand({
  usage: '[OPTIONS] IMAGE [IMAGE...]',
  args: atLeast(1),
  complete: ['image'],
  flags: {
    format: inspectFormat,
    platform: text('Platform to show of an image that has several (os/arch)', { complete: 'platform', since: 49 }),
  },
  async run(cli, { format, platform }, names) {
    const client = await cli.client();
    await inspectAll(cli, names, format, (name) =>
      client.text('GET', `/images/${segment(name)}/json`, { query: { platform: platformQuery(platform) } }),
    );
  },
});
