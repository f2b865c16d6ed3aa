import { force } from '../../flags/common.ts';
import { bool, list, parsed } from '../../flags/flag.ts';
import { checkFilter, filtersQuery } from '../../flags/key-values.ts';
import { parseSize } from '../../flags/size.ts';
import { humanSize } from '../../format/units.ts';
import { confirm } from '../../terminal/confirm.ts';
import { defineCommand, noArgs } from '../command.ts';

export const command = defineCommand({
  usage: '[OPTIONS]',
  args: noArgs,
  flags: {
    all: bool('Remove all that no build uses, not just what nothing else needs', { short: 'a' }),
    filter: list('Remove only what fits (until=24h, id=..., type=...)', {
      kind: 'filter',
      check: checkFilter,
      complete: 'none',
    }),
    force,
    'keep-storage': parsed('How much to keep', 'bytes', 0, parseSize, { complete: 'none' }),
  },
  async run(cli, flags) {
    const what = flags.all
      ? 'WARNING! This will remove all build cache.'
      : 'WARNING! This will remove all dangling build cache.';
    if (!flags.force && !(await confirm(cli, `${what} Are you sure you want to continue?`))) return;
    const client = await cli.client();
    const { CachesDeleted, SpaceReclaimed } = await client.json<Pruned>('POST', '/build/prune', {
      query: {
        all: flags.all || undefined,
        'keep-storage': flags['keep-storage'] || undefined,
        filters: filtersQuery(flags.filter),
      },
    });
    const ids = CachesDeleted ?? [];
    if (ids.length > 0) cli.out.print(`Deleted build cache objects:\n${ids.join('\n')}\n\n`);
    cli.out.print(`Total:\t${humanSize(SpaceReclaimed ?? 0)}\n`);
  },
});

interface Pruned {
  readonly CachesDeleted?: readonly string[] | null;
  readonly SpaceReclaimed?: number;
}
