import { Engine } from './engines/engine.ts';
import { kinds } from './engines/kinds.ts';
import { measureApi } from './figures/api.ts';
import { measureArchives } from './figures/archives.ts';
import { measureClient } from './figures/client.ts';
import { measureCrowd } from './figures/crowd.ts';
import { measureExec } from './figures/exec.ts';
import type { Figure, Measure } from './figures/figure.ts';
import { measureFiles } from './figures/files.ts';
import { measureLoad } from './figures/load.ts';
import { measureLogs } from './figures/logs.ts';
import { measureNetwork } from './figures/network.ts';
import { measureParallel } from './figures/parallel.ts';
import { measureRecovery } from './figures/recovery.ts';
import { measureRegistry } from './figures/registry.ts';
import { measureRun, measureStart } from './figures/start.ts';
import { measureStorm } from './figures/storm.ts';
import { measurePull, measurePush } from './figures/transfer.ts';
import { measureWatching } from './figures/watching.ts';

/**
 * Measures wharfd beside dockerd and podman's API service, doing the same work on each in turn.
 * usage: npm run bench -- [--quick] [--own-disk] [--only GROUP,...] [--engines wharfd,dockerd,podman] [--crowd N]
 */
const groups: Readonly<Record<string, Measure>> = {
  start: measureStart,
  run: measureRun,
  exec: measureExec,
  parallel: measureParallel,
  api: measureApi,
  cli: measureClient,
  logs: measureLogs,
  load: measureLoad,
  files: measureFiles,
  watching: measureWatching,
  recovery: measureRecovery,
  crowd: measureCrowd,
  storm: measureStorm,
  registry: measureRegistry,
  network: measureNetwork,
  pull: measurePull,
  push: measurePush,
  archives: measureArchives,
};

/** Groups that compare something else than engines. */
const withoutEngines: readonly string[] = ['registry'];

function option(name: string): string | undefined {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? undefined : process.argv[at + 1];
}

function chosen<T>(from: Readonly<Record<string, T>>, words: string | undefined): [string, T][] {
  if (words === undefined) return Object.entries(from);
  return words.split(',').map((word) => {
    const found = from[word];
    if (found === undefined) throw new Error(`unknown: ${word}; there are ${Object.keys(from).join(', ')}`);
    return [word, found];
  });
}

function row(cells: readonly string[]): string {
  const widths = [48, 8, 10, 10, 10, 8];
  return cells
    .map((cell, index) => (index === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[index] ?? 0)))
    .join(' ');
}

function format(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return '-';
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function print({ name, unit, values, promise }: Figure): void {
  const { wharfd, dockerd, podman } = values;
  const ratio = wharfd !== undefined && dockerd !== undefined ? `${format(wharfd / dockerd)}x` : '-';
  const verdict = promise ? `  ${promise.kept ? 'kept' : 'NOT kept'}: ${promise.text}` : '';
  console.log(row([name, unit, format(wharfd), format(dockerd), format(podman), ratio]) + verdict);
}

async function main(): Promise<void> {
  const quick = process.argv.includes('--quick');
  const crowd = Number(option('crowd') ?? (quick ? 20 : 200));
  const measures = chosen(groups, option('only'));
  const engines: Engine[] = [];
  try {
    const needsEngines = measures.some(([name]) => !withoutEngines.includes(name));
    const wanted = needsEngines ? chosen(kinds, option('engines')) : [];
    for (const [, kind] of wanted) engines.push(await Engine.open(kind));
    console.log(row(['figure (median)', 'unit', 'wharfd', 'dockerd', 'podman', 'ratio']));
    for (const [name, measure] of measures) {
      try {
        for (const figure of await measure({ engines, quick, crowd })) print(figure);
      } catch (error) {
        console.log(`${name}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  } finally {
    for (const engine of engines) await engine.close();
  }
}

await main();
process.exit(0);
