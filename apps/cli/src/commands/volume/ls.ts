import type { VolumeList } from '@wharf/api/volume';
import { filter, listFormat } from '../../flags/common.ts';
import { bool } from '../../flags/flag.ts';
import { filtersQuery } from '../../flags/key-values.ts';
import { formatList } from '../../format/list.ts';
import { byNaturalOrder } from '../../format/natural-order.ts';
import { volumeRow, volumeStyle } from '../../format/volume-rows.ts';
import { defineCommand, noArgs } from '../command.ts';

export const command = defineCommand({
  usage: '[OPTIONS]',
  args: noArgs,
  flags: {
    filter: filter('"dangling=true", "label=key=value"'),
    format: listFormat,
    quiet: bool('Show names only', { short: 'q' }),
  },
  async run(cli, flags) {
    const client = await cli.client();
    const format = flags.format || (flags.quiet ? '' : ((await cli.config()).volumesFormat ?? ''));
    const { Volumes, Warnings } = await client.json<VolumeList>('GET', '/volumes', {
      query: { filters: filtersQuery(flags.filter) },
    });
    const rows = [...(Volumes ?? [])].sort((a, b) => byNaturalOrder(a.Name, b.Name)).map(volumeRow);
    cli.out.print(formatList(rows, format, flags.quiet, volumeStyle));
    // A plugin that could not list its own: what is missing should not look as if it were gone.
    for (const warning of Warnings ?? []) cli.err.print(`WARNING: ${warning}\n`);
  },
});
