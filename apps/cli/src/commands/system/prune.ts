import { ExitError } from '../../exit-error.ts';
import { force, pruneFilter } from '../../flags/common.ts';
import { bool } from '../../flags/flag.ts';
import { confirm } from '../../terminal/confirm.ts';
import { defineCommand, noArgs } from '../command.ts';
import {
  type Pruned,
  pruneBuildCache,
  pruneContainers,
  pruneImages,
  pruneNetworks,
  pruneVolumes,
  reportPruned,
} from '../prune.ts';

export const command = defineCommand({
  usage: '[OPTIONS]',
  args: noArgs,
  flags: {
    all: bool('Remove every image that no container uses, not just those without a name', { short: 'a' }),
    filter: pruneFilter,
    force,
    volumes: bool('Remove anonymous volumes too'),
  },
  async run(cli, { all, filter, force: forced, volumes }) {
    if (volumes && filter.some((text) => text.startsWith('until='))) {
      throw new ExitError(1, 'ERROR: The "until" filter is not supported with "--volumes"');
    }
    if (!forced && !(await confirm(cli, warning(all, volumes, filter)))) return;
    const pruned: (Pruned | undefined)[] = [await pruneContainers(cli, filter), await pruneNetworks(cli, filter)];
    if (volumes) pruned.push(await pruneVolumes(cli, filter, false));
    pruned.push(await pruneImages(cli, filter, all), await pruneBuildCache(cli, filter, all));
    reportPruned(
      cli,
      pruned.filter((part) => part !== undefined),
    );
  },
});

function warning(all: boolean, volumes: boolean, filters: readonly string[]): string {
  const parts = [
    'all stopped containers',
    'all networks not used by at least one container',
    ...(volumes ? ['all anonymous volumes not used by at least one container'] : []),
    all ? 'all images without at least one container associated to them' : 'all dangling images',
    all ? 'all build cache' : 'unused build cache',
  ];
  const chosen =
    filters.length === 0
      ? ''
      : `\n  Items to be pruned will be filtered with:\n${filters.map((text) => `  - ${text}\n`).join('')}`;
  return `WARNING! This will remove:\n${parts.map((part) => `  - ${part}\n`).join('')}${chosen}\nAre you sure you want to continue?`;
}
