import { force, pruneFilter } from '../../flags/common.ts';
import { bool } from '../../flags/flag.ts';
import { confirm } from '../../terminal/confirm.ts';
import { defineCommand, noArgs } from '../command.ts';
import { pruneImages, reportPruned } from '../prune.ts';

export const command = defineCommand({
  usage: '[OPTIONS]',
  args: noArgs,
  flags: {
    all: bool('Remove every image that no container uses, not just those without a name', { short: 'a' }),
    filter: pruneFilter,
    force,
  },
  async run(cli, flags) {
    const what = flags.all
      ? 'WARNING! This will remove all images without at least one container associated to them.'
      : 'WARNING! This will remove all dangling images.';
    if (!flags.force && !(await confirm(cli, `${what}\nAre you sure you want to continue?`))) return;
    reportPruned(cli, [await pruneImages(cli, flags.filter, flags.all)]);
  },
});
