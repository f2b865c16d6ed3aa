import type { BuildRecordSummary } from '@wharf/api/build-history';
import { goJson } from '@wharf/base/template/functions';
import { createRow, type Row } from '@wharf/base/template/row';
import { askHistory } from '../../../build/history-client.ts';
import { buildDuration, buildStatus } from '../../../build/record-texts.ts';
import { ExitError } from '../../../exit-error.ts';
import { listFormat, noTrunc } from '../../../flags/common.ts';
import { bool, list } from '../../../flags/flag.ts';
import { formatList, type ListStyle } from '../../../format/list.ts';
import { since } from '../../../format/time.ts';
import { defineCommand, noArgs } from '../../command.ts';

const nameColumns = 36;
const style: ListStyle = {
  headers: { Ref: 'BUILD ID', Name: 'NAME', Status: 'STATUS', CreatedAt: 'CREATED AT', Duration: 'DURATION', Link: '' },
  table: '{{.Ref}}\t{{.Name}}\t{{.Status}}\t{{.CreatedAt}}\t{{.Duration}}\t{{.Link}}',
  quiet: '{{.Ref}}',
};

export const command = defineCommand({
  usage: '[OPTIONS]',
  args: noArgs,
  flags: {
    filter: list('Show only what fits (e.g. "status=error", "ref=abc", "duration>1m", "startedAt<24h")', {
      complete: ['status=completed', 'status=error', 'status=canceled', 'status=running'],
    }),
    format: listFormat,
    local: bool('Show builds of the repository in this directory only'),
    'no-trunc': noTrunc,
  },
  async run(cli, flags) {
    const filter = [...flags.filter, ...(flags.local ? [`repository=${await repositoryHere()}`] : [])];
    const records = await askHistory(cli, (client) =>
      client.json<BuildRecordSummary[]>('GET', '/build/history', { query: { filter } }),
    );
    if (flags.format === 'json') cli.out.print(records.map((record) => `${goJson(jsonOf(record))}\n`).join(''));
    else {
      const isTable = flags.format === '' || flags.format.startsWith('table');
      const rows = records.map((record) => rowOf(record, isTable && !flags['no-trunc']));
      cli.out.print(formatList(rows, flags.format, false, style));
    }
  },
});

function rowOf(record: BuildRecordSummary, truncate: boolean): Row {
  const { Ref, Name, CreatedAt } = record;
  return createRow('*history.lsContext', {
    Ref: () => Ref,
    FullRef: () => `default/default/${Ref}`,
    Name: () => (truncate && Name.length > nameColumns ? `..${Name.slice(2 - nameColumns)}` : Name),
    Status: () => buildStatus(record),
    CreatedAt: () => since(Date.parse(CreatedAt) / 1000),
    Duration: () => buildDuration(record),
    // What Docker Desktop would open.
    Link: () => '',
  });
}

function jsonOf(record: BuildRecordSummary): Record<string, unknown> {
  const { CompletedAt } = record;
  return {
    cached_steps: record.NumCachedSteps,
    ...(CompletedAt !== undefined && { completed_at: CompletedAt }),
    completed_steps: record.NumCompletedSteps,
    created_at: record.CreatedAt,
    name: record.Name,
    ref: `default/default/${record.Ref}`,
    status: buildStatus(record),
    total_steps: record.NumTotalSteps,
  };
}

/** Where the repository of this directory comes from, as builds name it. */
async function repositoryHere(): Promise<string> {
  const git = Bun.spawn(['git', 'remote', 'get-url', 'origin'], { stdout: 'pipe', stderr: 'ignore' });
  const address = (await new Response(git.stdout).text()).trim();
  if ((await git.exited) === 0 && address !== '') return address;
  throw new ExitError(1, 'could not find a git repository with a remote "origin" for --local');
}
