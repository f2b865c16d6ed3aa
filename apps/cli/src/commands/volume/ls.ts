import type { VolumeList } from '@wharf/api/volume';
import { filter, listFormat } from '../../flags/common.ts';
import { bool } from '../../flags/flag.ts';
import { filtersQuery } from '../../flags/key-values.ts';
import { formatList } from '../../format/list.ts';
import { byNaturalOrder } from '../../format/natural-order.ts';
import { clusterStyle, volumeRow, volumeStyle } from '../../format/volume-rows.ts';
import { defineCommand, noArgs } from '../command.ts';

export const command = defineCommand({
  usage: '[OPTIONS]',
  args: noArgs,
  flags: {
    cluster: bool('Show cluster volumes only, and their state', { since: 42 }),
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
    const shown = (Volumes ?? []).filter(({ ClusterVolume }) => !flags.cluster || ClusterVolume);
    const rows = shown.sort((a, b) => byNaturalOrder(a.Name, b.Name)).map(volumeRow);
    cli.out.print(formatList(rows, format, flags.quiet, flags.cluster ? clusterStyle : volumeStyle));
    // A plugin that could not list its own: what is missing should not look as if it were gone.
    for (const warning of Warnings ?? []) cli.err.print(`WARNING: ${warning}\n`);
  },
});
