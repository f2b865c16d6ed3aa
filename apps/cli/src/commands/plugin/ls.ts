import { filter, listFormat, noTrunc } from '../../flags/common.ts';
import { bool } from '../../flags/flag.ts';
import { filtersQuery } from '../../flags/key-values.ts';
import { formatList } from '../../format/list.ts';
import { byNaturalOrder } from '../../format/natural-order.ts';
import { type PluginSummary, pluginRow, pluginStyle } from '../../format/plugin-rows.ts';
import { defineCommand, noArgs } from '../command.ts';

export const command = defineCommand({
  usage: '[OPTIONS]',
  args: noArgs,
  flags: {
    filter: filter('"enabled=true", "capability=volumedriver"'),
    format: listFormat,
    'no-trunc': noTrunc,
    quiet: bool('Show ids only', { short: 'q' }),
  },
  async run(cli, flags) {
    const client = await cli.client();
    const format = flags.format || (flags.quiet ? '' : ((await cli.config()).pluginsFormat ?? ''));
    const plugins = await client.json<readonly PluginSummary[]>('GET', '/plugins', {
      query: { filters: filtersQuery(flags.filter) },
    });
    const rows = plugins
      .toSorted((a, b) => byNaturalOrder(a.Name, b.Name))
      .map((one) => pluginRow(one, !flags['no-trunc']));
    cli.out.print(formatList(rows, format, flags.quiet, pluginStyle));
  },
});
