import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Engine } from '../engines/engine.ts';
import { armWait, createContainer, removeContainer, startContainer } from './containers.ts';
import { atLeast, both, inTurn, type Measure } from './figure.ts';
import { mediansOf } from './start.ts';

/** A container that prints lines of 100 bytes as quickly as it may; then reading its log back. */
export const measureLogs: Measure = async ({ engines, quick }) => {
  const megabytes = quick ? 32 : 128;
  const drains: Record<string, number[]> = Object.fromEntries(engines.map(({ name }) => [name, []]));
  for (const engine of engines) {
    const line = `${'0123456789'.repeat(9)}abcdefghi\n`;
    writeFileSync(join(engine.sandbox.directory, 'lines'), Buffer.alloc(megabytes * 1_000_000, line));
  }
  const ingests = await inTurn(engines, quick ? 1 : 3, async (engine) => {
    const { ingest, drain } = await fillAndDrain(engine, megabytes);
    drains[engine.name]!.push(drain);
    return ingest;
  });
  const [ingest, drain] = [mediansOf(ingests), mediansOf(drains)];
  return [
    {
      name: 'log ingest',
      unit: 'MB/s',
      values: ingest,
      promise: both(atLeast(ingest, 6, 'dockerd'), atLeast(ingest, 1, 'podman')),
    },
    { name: 'log drain', unit: 'MB/s', values: drain, promise: atLeast(drain, 4, 'dockerd') },
  ];
};

async function fillAndDrain(engine: Engine, megabytes: number): Promise<{ ingest: number; drain: number }> {
  const id = await createContainer(engine, engine.client, {
    command: ['cat', '/lines'],
    network: 'none',
    wholeLog: true,
    binds: [`${engine.sandbox.directory}/lines:/lines:ro`],
  });
  const waiter = engine.connect();
  const { exited } = await armWait(engine, waiter, id);
  const began = performance.now();
  await startContainer(engine.client, id);
  await exited;
  const filled = performance.now();
  const { body } = await engine.client.request('GET', `/v1.40/containers/${id}/logs?stdout=1`);
  const drained = performance.now();
  if (body.length < megabytes * 1_000_000) throw new Error(`${engine.name} lost log lines: ${body.length} bytes`);
  waiter.close();
  await removeContainer(engine.client, id);
  return { ingest: (megabytes * 1000) / (filled - began), drain: (megabytes * 1000) / (drained - filled) };
}
