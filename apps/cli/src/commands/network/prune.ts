import { force, pruneFilter } from '../../flags/common.ts';
import { confirm } from '../../terminal/confirm.ts';
import { defineCommand, noArgs } from '../command.ts';
import { pruneNetworks, reportPruned } from '../prune.ts';

export const command = defineCommand({
  usage: '[OPTIONS]',
  args: noArgs,
  flags: { filter: pruneFilter, force },
  async run(cli, flags) {
    const what = 'WARNING! This will remove all custom networks not used by at least one container.';
    if (!flags.force && !(await confirm(cli, `${what}\nAre you sure you want to continue?`))) return;
    reportPruned(cli, [await pruneNetworks(cli, flags.filter)]);
  },
});
