import { atLeast, parseApiVersion } from '@wharf/api/version';
import { force, pruneFilter } from '../../flags/common.ts';
import { bool } from '../../flags/flag.ts';
import { confirm } from '../../terminal/confirm.ts';
import { defineCommand, noArgs } from '../command.ts';
import { pruneVolumes, reportPruned } from '../prune.ts';

export const command = defineCommand({
  usage: '[OPTIONS]',
  args: noArgs,
  flags: { all: bool('Remove named volumes too', { short: 'a', since: 42 }), filter: pruneFilter, force },
  async run(cli, flags) {
    const client = await cli.client();
    const version = parseApiVersion(await client.version());
    // Before 1.42 the daemon knew no difference.
    const what =
      flags.all || (version && !atLeast(version, 42))
        ? 'WARNING! This will remove all local volumes not used by at least one container.'
        : 'WARNING! This will remove anonymous local volumes not used by at least one container.';
    if (!flags.force && !(await confirm(cli, `${what}\nAre you sure you want to continue?`))) return;
    reportPruned(cli, [await pruneVolumes(cli, flags.filter, flags.all)]);
  },
});
