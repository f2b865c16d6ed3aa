import type { BuildRecordSummary } from '@wharf/api/build-history';
import { askHistory, buildPath } from '../../../build/history-client.ts';
import { ExitError } from '../../../exit-error.ts';
import { bool } from '../../../flags/flag.ts';
import { atLeast, defineCommand } from '../../command.ts';
import { forEachArgument } from '../../for-each.ts';

export const command = defineCommand({
  usage: '[OPTIONS] [REF...]',
  args: atLeast(0),
  complete: ['build'],
  flags: { all: bool('Remove all builds that are over') },
  async run(cli, flags, refs) {
    if (refs.length === 0 && !flags.all) throw new ExitError(1, 'rm requires at least one argument');
    if (refs.length > 0 && flags.all) throw new ExitError(1, 'rm requires either --all or at least one argument');
    const names = flags.all ? await askHistory(cli, async (client) => overIn(await list(client))) : refs;
    await forEachArgument(cli, names, async (ref) => {
      await askHistory(cli, (client) => client.json('DELETE', buildPath(ref)));
      return undefined;
    });
  },
});

type Client = Parameters<Parameters<typeof askHistory>[1]>[0];

function list(client: Client): Promise<BuildRecordSummary[]> {
  return client.json<BuildRecordSummary[]>('GET', '/build/history');
}

function overIn(records: readonly BuildRecordSummary[]): string[] {
  return records.filter(({ CompletedAt }) => CompletedAt !== undefined).map(({ Ref }) => Ref);
}
