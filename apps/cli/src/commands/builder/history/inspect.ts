import type { BuildRecordInspect, BuildStatus } from '@wharf/api/build-history';
import type { ApiClient } from '@wharf/api/client/api-client';
import { compileTemplate, executeTemplate } from '@wharf/base/template/execute';
import { formatRecord } from '../../../build/format-record.ts';
import { askHistory, buildPath } from '../../../build/history-client.ts';
import { inspectRecord } from '../../../build/inspect-record.ts';
import { text } from '../../../flags/flag.ts';
import { indentJson } from '../../../format/json-indent.ts';
import { guarded } from '../../../format/list.ts';
import { atMost, defineCommand } from '../../command.ts';

const lastLines = 16;

export const command = defineCommand({
  usage: '[OPTIONS] [REF]',
  args: atMost(1),
  complete: ['build'],
  flags: {
    format: text('Shape of the output: "pretty", "json", or a Go template', {
      initial: 'pretty',
      complete: ['pretty', 'json'],
    }),
  },
  async run(cli, { format }, [ref = '']) {
    const build = await askHistory(cli, async (client) => {
      const record = await client.json<BuildRecordInspect>('GET', buildPath(ref));
      return inspectRecord(record, await logsOf(client, record));
    });
    if (format === 'pretty') cli.out.print(formatRecord(build, { showRef: ref === '' }));
    else if (format === 'json') cli.out.print(`${indentJson(JSON.stringify(build), '  ')}\n`);
    else {
      const template = guarded('failed to parse format template', () => compileTemplate(format));
      cli.out.print(guarded('failed to execute format template', () => `${executeTemplate(template, build)}\n`));
    }
  },
});

/** The last that the step which failed has printed. */
async function logsOf(client: ApiClient, { Ref, Error: failure }: BuildRecordInspect): Promise<string[]> {
  if (failure?.Vertex === undefined) return [];
  let output = '';
  for await (const { logs = [] } of client.stream<BuildStatus>('GET', buildPath(Ref, '/logs'))) {
    for (const { vertex, data } of logs) if (vertex === failure.Vertex) output += Buffer.from(data, 'base64');
  }
  const lines = output.split('\n');
  return (lines.at(-1) === '' ? lines.slice(0, -1) : lines).slice(-lastLines);
}
