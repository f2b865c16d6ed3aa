import type { ContainerSummary } from '@wharf/api/container';
import { filter, listFormat, noTrunc } from '../../flags/common.ts';
import { bool, int, isChanged } from '../../flags/flag.ts';
import { filtersQuery } from '../../flags/key-values.ts';
import { containerRow, containerStyle } from '../../format/container-rows.ts';
import { formatList } from '../../format/list.ts';
import { shortImage } from '../../format/short-image.ts';
import { defineCommand, noArgs } from '../command.ts';

export const command = defineCommand({
  usage: '[OPTIONS]',
  args: noArgs,
  flags: {
    all: bool('Show stopped containers too', { short: 'a' }),
    filter: filter('"status=exited", "name=web", "label=key=value"'),
    format: listFormat,
    last: int('Show the n containers made last, whatever their state', { short: 'n', initial: -1 }),
    latest: bool('Show the container made last, whatever its state', { short: 'l' }),
    'no-trunc': noTrunc,
    quiet: bool('Show ids only', { short: 'q' }),
    size: bool('Show how much disk each takes', { short: 's' }),
  },
  async run(cli, flags) {
    const client = await cli.client();
    const format = flags.format || (flags.quiet ? '' : ((await cli.config()).psFormat ?? ''));
    const limit = flags.latest && flags.last === -1 ? 1 : flags.last;
    const size = isChanged(flags, 'size') ? flags.size : /\.Size\b|json\s+\.\s*[}|)]/.test(format);
    const containers = await client.json<ContainerSummary[]>('GET', '/containers/json', {
      query: {
        all: flags.all || undefined,
        limit: limit > 0 ? limit : undefined,
        size: size || undefined,
        filters: filtersQuery(flags.filter),
      },
    });
    const rows = containers.map((container) => containerRow(container, !flags['no-trunc'], shortImage));
    if (flags.quiet && !['', 'table', 'raw'].includes(format)) {
      cli.err.print('WARNING: Ignoring custom format, because both --format and --quiet are set.\n');
    }
    const shown = flags.quiet && format !== 'raw' ? '' : format;
    cli.out.print(formatList(rows, shown, flags.quiet, containerStyle(flags.size)));
  },
});
