import { force, pruneFilter } from '../../flags/common.ts';
import { confirm } from '../../terminal/confirm.ts';
import { defineCommand, noArgs } from '../command.ts';
import { pruneContainers, reportPruned } from '../prune.ts';

export const command = defineCommand({
  usage: '[OPTIONS]',
  args: noArgs,
  flags: { filter: pruneFilter, force },
  async run(cli, flags) {
    if (
      !flags.force &&
      !(await confirm(cli, 'WARNING! This will remove all stopped containers.\nAre you sure you want to continue?'))
    )
      return;
    reportPruned(cli, [await pruneContainers(cli, flags.filter)]);
  },
});
