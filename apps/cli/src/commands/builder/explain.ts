import type { BuildExplanation } from '@wharf/api/build-history';
import { formatExplanation } from '../../build/format-explanation.ts';
import { askHistory, buildPath } from '../../build/history-client.ts';
import { inspectFormat } from '../../flags/common.ts';
import { atMost, defineCommand } from '../command.ts';
import { formatInspected } from '../inspect-all.ts';

export const command = defineCommand({
  usage: '[OPTIONS] [REF]',
  args: atMost(1),
  complete: ['build'],
  details:
    'Compares a build, the last one where none is named, with the one before it of the same Dockerfile, context and target.',
  flags: { format: inspectFormat },
  async run(cli, { format }, [ref = '']) {
    const path = buildPath(ref, '/explain');
    const explanation = await askHistory(cli, (client) => client.json<BuildExplanation>('GET', path));
    const text = JSON.stringify(explanation);
    if (format === '') cli.out.print(formatExplanation(explanation));
    else if (format === 'json') cli.out.print(`${text}\n`);
    else cli.out.print(formatInspected([text], format));
  },
});
