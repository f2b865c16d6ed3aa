import { imageArchive } from '../../test/fixtures/image.ts';
import type { Engine } from '../engines/engine.ts';
import { SharedRegistry } from '../registries/shared-registry.ts';
import { median } from '../statistics.ts';
import { atLeast, atMost, below, both, type Figure, inTurn, type Measure, type Values } from './figure.ts';
import { imageLayers } from './load.ts';
import { pullFloor } from './pull-floor.ts';
import { mediansOf } from './start.ts';

/** Pulls from Debian's docker-registry on the loopback. */
export const measurePull: Measure = ({ engines, quick }) =>
  withRegistry(engines, async (registry) => {
    const rounds = quick ? 1 : 3;
    const scale = quick ? 0.2 : 1;
    return [
      ...(await measurePulls(engines, registry, { megabytes: 523 * scale, layers: 8, rounds })),
      ...(await measurePulls(engines, registry, { megabytes: 267 * scale, layers: 20, rounds })),
    ];
  });

/** Pushes to it. */
export const measurePush: Measure = ({ engines, quick }) =>
  withRegistry(engines, (registry) =>
    measurePushes(engines, registry, { megabytes: quick ? 53 : 267, layers: 20, rounds: quick ? 1 : 3 }),
  );

async function withRegistry<T>(engines: readonly Engine[], body: (registry: SharedRegistry) => Promise<T>): Promise<T> {
  const registry = new SharedRegistry();
  try {
    for (const engine of engines) await registry.openIn(engine);
    return await body(registry);
  } finally {
    await registry.close();
  }
}

interface Size {
  readonly megabytes: number;
  readonly layers: number;
  readonly rounds: number;
}

async function measurePulls(engines: readonly Engine[], registry: SharedRegistry, size: Size): Promise<Figure[]> {
  const { megabytes, layers, rounds } = size;
  const cpu: Record<string, number[]> = Object.fromEntries(engines.map(({ name }) => [name, []]));
  const again: Record<string, number[]> = Object.fromEntries(engines.map(({ name }) => [name, []]));
  const floors: number[] = [];
  let generation = 0;
  const rates = await inTurn(engines, rounds, async (engine) => {
    if (engine === engines[0]) {
      generation++;
      const content = imageLayers(megabytes, layers, generation);
      await registry.seed(`pull${layers}-${generation}`, content);
      floors.push(pullFloor(content[0]!));
    }
    const name = `${registry.host}/pull${layers}-${generation}`;
    const before = engine.cpuMilliseconds();
    const seconds = await timed(() => pull(engine, name));
    cpu[engine.name]!.push((engine.cpuMilliseconds() - before) / (megabytes / 1000) / 1000);
    again[engine.name]!.push((await timed(() => pull(engine, name))) * 1000);
    await engine.client.call('DELETE', `/v1.40/images/${name}:1?force=1`);
    return megabytes / seconds;
  });
  const what = `${Math.round(megabytes)} MB in ${layers} layers`;
  const [byRate, byCpu, bySecond] = [mediansOf(rates), mediansOf(cpu), mediansOf(again)];
  const floor = median(floors);
  const byFloor = Object.fromEntries(Object.entries(byRate).map(([name, rate]) => [name, floor / rate])) as Values;
  return [
    { name: `pull of ${what}`, unit: 'MB/s', values: byRate, promise: best(byRate, 2) },
    {
      name: `${what}, time against inflating or disk`,
      unit: 'x',
      values: byFloor,
      promise: below(byFloor.wharfd, 1.3, 'x'),
    },
    { name: `pull of ${what}, a GB`, unit: 'CPU s', values: byCpu, promise: atMost(byCpu, 1 / 4, 'dockerd') },
    { name: `second pull of ${what}`, unit: 'ms', values: bySecond, promise: below(bySecond.wharfd, 15, 'ms') },
  ];
}

/** Of an image that was loaded, and so has to be packed. */
async function measurePushes(engines: readonly Engine[], registry: SharedRegistry, size: Size): Promise<Figure[]> {
  const { megabytes, layers, rounds } = size;
  const cpu: Record<string, number[]> = Object.fromEntries(engines.map(({ name }) => [name, []]));
  const again: Record<string, number[]> = Object.fromEntries(engines.map(({ name }) => [name, []]));
  let generation = 100;
  let archive: Buffer = Buffer.alloc(0);
  const rates = await inTurn(engines, rounds, async (engine) => {
    if (engine === engines[0]) {
      generation++;
      archive = imageArchive(`made:${generation}`, imageLayers(megabytes, layers, generation));
    }
    const name = `${registry.host}/push-${engine.name}-${generation}`;
    await engine.client.call('POST', '/v1.40/images/load?quiet=1', archive);
    await engine.client.call('POST', `/v1.40/images/made:${generation}/tag?repo=${name}&tag=1`);
    const before = engine.cpuMilliseconds();
    const seconds = await timed(() => push(engine, name));
    cpu[engine.name]!.push((engine.cpuMilliseconds() - before) / (megabytes / 1000) / 1000);
    again[engine.name]!.push((await timed(() => push(engine, name))) * 1000);
    await engine.client.call('DELETE', `/v1.40/images/${name}:1?force=1`);
    await engine.client.call('DELETE', `/v1.40/images/made:${generation}?force=1`);
    return megabytes / seconds;
  });
  const what = `${Math.round(megabytes)} MB in ${layers} layers`;
  const [byRate, byCpu, bySecond] = [mediansOf(rates), mediansOf(cpu), mediansOf(again)];
  return [
    { name: `push of ${what}`, unit: 'MB/s', values: byRate, promise: best(byRate, 2) },
    { name: `push of ${what}, a GB`, unit: 'CPU s', values: byCpu },
    { name: `second push of ${what}`, unit: 'ms', values: bySecond, promise: below(bySecond.wharfd, 25, 'ms') },
  ];
}

function best(values: Values, times: number): { text: string; kept: boolean } {
  return both(atLeast(values, times, 'dockerd'), atLeast(values, 1, 'podman'));
}

async function timed(body: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await body();
  return (performance.now() - began) / 1000;
}

async function pull(engine: Engine, name: string): Promise<void> {
  const url =
    engine.name === 'podman'
      ? `/v4.0.0/libpod/images/pull?reference=${name}:1&tlsVerify=false`
      : `/v1.40/images/create?fromImage=${name}&tag=1`;
  await succeed(engine, url);
}

async function push(engine: Engine, name: string): Promise<void> {
  const url =
    engine.name === 'podman'
      ? `/v4.0.0/libpod/images/${name}:1/push?tlsVerify=false`
      : `/v1.40/images/${name}/push?tag=1`;
  await succeed(engine, url);
}

async function succeed(engine: Engine, url: string): Promise<void> {
  const { status, body } = await engine.client.request('POST', url);
  const text = body.toString();
  if (status !== 200 || /"error"/.test(text)) throw new Error(`${engine.name}: ${url}: ${status} ${text.slice(-500)}`);
}
