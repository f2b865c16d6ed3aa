import type { BuildExplanation } from '@wharf/api/build-history';
import type { Cli } from '../cli.ts';
import { formatExplanation } from './format-explanation.ts';
import { askHistory, buildPath } from './history-client.ts';
import { newReference } from './run-build.ts';

/** Builds, and says at the end, also of a build that failed, why each step was cached or not. */
export async function explained(cli: Cli, build: (ref: string) => Promise<number>): Promise<number> {
  const ref = newReference();
  try {
    return await build(ref);
  } finally {
    const path = buildPath(ref, '/explain');
    const explanation = await askHistory(cli, (client) => client.json<BuildExplanation>('GET', path));
    cli.err.print(`\n${formatExplanation(explanation)}`);
  }
}
