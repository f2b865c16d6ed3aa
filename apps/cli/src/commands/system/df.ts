import type { DiskUsage } from '@wharf/api/system';
import { listFormat } from '../../flags/common.ts';
import { bool } from '../../flags/flag.ts';
import { formatList, type ListStyle } from '../../format/list.ts';
import { defineCommand, noArgs } from '../command.ts';
import { summarize } from './disk-usage.ts';
import { formatVerbose } from './disk-usage-verbose.ts';

const style: ListStyle = {
  headers: { Type: 'TYPE', TotalCount: 'TOTAL', Active: 'ACTIVE', Size: 'SIZE', Reclaimable: 'RECLAIMABLE' },
  table: '{{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}',
  quiet: '{{.Type}}',
};

export const command = defineCommand({
  usage: '[OPTIONS]',
  args: noArgs,
  flags: { format: listFormat, verbose: bool('Show each object', { short: 'v' }) },
  async run(cli, { format, verbose }) {
    const client = await cli.client();
    const usage = await client.json<DiskUsage>('GET', '/system/df');
    cli.out.print(verbose ? formatVerbose(usage, format) : formatList(summarize(usage), format, false, style));
  },
});
