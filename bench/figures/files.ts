import { randomFillSync } from 'node:crypto';
import { tar } from '../../test/fixtures/tar.ts';
import type { Engine } from '../engines/engine.ts';
import { createContainer, removeContainer, startContainer } from './containers.ts';
import { atLeast, below, both, type Figure, type Measure } from './figure.ts';
import { mediansOf } from './start.ts';

type Step = 'in' | 'out' | 'diff' | 'commit';

/** 220 MB into a running container, out of it again, what it changed, and an image of it. */
export const measureFiles: Measure = async ({ engines, quick }) => {
  const archive = manyFiles();
  const steps: readonly Step[] = ['in', 'out', 'diff', 'commit'];
  const taken = Object.fromEntries(
    steps.map((step) => [step, Object.fromEntries(engines.map(({ name }) => [name, [] as number[]]))]),
  ) as Record<Step, Record<string, number[]>>;
  for (let round = 0; round < (quick ? 1 : 3); round++) {
    for (const engine of engines) {
      const times = await fillAndCommit(engine, archive);
      for (const step of steps) taken[step][engine.name]!.push(times[step]);
    }
  }
  const speed = (name: string, step: Step): Figure => {
    const rates = Object.fromEntries(
      Object.entries(taken[step]).map(([engine, times]) => [engine, times.map((ms) => archive.length / 1000 / ms)]),
    );
    const values = mediansOf(rates);
    return { name, unit: 'MB/s', values, promise: both(atLeast(values, 2, 'dockerd'), atLeast(values, 2, 'podman')) };
  };
  const diff = mediansOf(taken.diff);
  return [
    speed('copy of 220 MB into a container', 'in'),
    speed('copy of 220 MB out of a container', 'out'),
    { name: 'diff of 2,200 new files', unit: 'ms', values: diff, promise: below(diff.wharfd, 200, 'ms') },
    speed('commit of 220 MB', 'commit'),
  ];
};

async function fillAndCommit(engine: Engine, archive: Buffer): Promise<Record<Step, number>> {
  const { client } = engine;
  const id = await createContainer(engine, client, { network: 'none' });
  await startContainer(client, id);
  const path = `/v1.40/containers/${id}`;
  const into = await timed(() => client.call('PUT', `${path}/archive?path=/data`, archive));
  const out = await timed(async () => {
    const length = await client.drain(`${path}/archive?path=/data`);
    if (length < archive.length) throw new Error(`${engine.name} copied ${length} bytes`);
  });
  const diff = await timed(async () => {
    const { body } = await client.request('GET', `${path}/changes`);
    const changes: unknown[] = JSON.parse(body.toString());
    if (changes.length < 2200) throw new Error(`${engine.name} sees ${changes.length} changes`);
  });
  const commit = await timed(() => client.call('POST', `/v1.40/commit?container=${id}&repo=bench/committed`, {}));
  await client.call('DELETE', '/v1.40/images/bench/committed?force=1');
  await removeContainer(client, id);
  return { in: into, out, diff, commit };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

/** 200 files of 1 MB and 2,000 of 10 kB that do not compress. */
function manyFiles(): Buffer {
  const content = randomFillSync(Buffer.alloc(1_000_000));
  const entries = Array.from({ length: 2200 }, (_, index) => ({
    name: `new-${index}`,
    content: index < 200 ? content : content.subarray(index * 10, index * 10 + 10_000),
  }));
  return tar(entries);
}
