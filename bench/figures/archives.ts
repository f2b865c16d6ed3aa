import { imageArchive } from '../../test/fixtures/image.ts';
import type { Engine } from '../engines/engine.ts';
import { atLeast, atMost, best, inTurn, type Measure } from './figure.ts';
import { imageLayers } from './load.ts';
import { mediansOf } from './start.ts';

interface Work {
  readonly seconds: number;
  /** CPU seconds. */
  readonly cpu: number;
}

/** Archives in and out: `docker load`, `save` and `import`, of content that shares nothing with any before. */
export const measureArchives: Measure = async ({ engines, quick }) => {
  const megabytes = quick ? 53 : 267;
  const rounds = quick ? 1 : 3;
  const none = () => Object.fromEntries(engines.map(({ name }) => [name, [] as number[]]));
  const [cpu, saved, imported] = [none(), none(), none()];
  let generation = 0;
  let layers: Buffer[] = [];
  const loaded = await inTurn(engines, rounds, async (engine) => {
    if (engine === engines[0]) layers = imageLayers(megabytes, 20, ++generation);
    const name = `archived:${generation}`;
    const archive = imageArchive(name, layers);
    const load = await timed(engine, () => loadArchive(engine, archive));
    const save = await timed(engine, () => saveArchive(engine, name));
    await engine.client.call('DELETE', `/v1.40/images/${name}?force=1`);
    const root = imageLayers(megabytes, 1, generation)[0]!;
    let image = '';
    const importing = await timed(engine, async () => {
      image = await importRoot(engine, root);
    });
    await engine.client.call('DELETE', `/v1.40/images/${image}?force=1`);
    cpu[engine.name]!.push(load.cpu / (megabytes / 1000));
    saved[engine.name]!.push(megabytes / save.seconds);
    imported[engine.name]!.push(megabytes / importing.seconds);
    return megabytes / load.seconds;
  });
  const what = `${Math.round(megabytes)} MB`;
  const [byLoad, byCpu] = [mediansOf(loaded), mediansOf(cpu)];
  const [bySave, byImport] = [mediansOf(saved), mediansOf(imported)];
  return [
    { name: `load of ${what} in 20 layers`, unit: 'MB/s', values: byLoad, promise: atLeast(byLoad, 2, 'dockerd') },
    { name: `load of ${what}, a GB`, unit: 'CPU s', values: byCpu, promise: atMost(byCpu, 1 / 4, 'dockerd') },
    { name: `save of ${what} in 20 layers`, unit: 'MB/s', values: bySave, promise: best(bySave) },
    { name: `import of ${what}`, unit: 'MB/s', values: byImport, promise: best(byImport) },
  ];
};

async function timed(engine: Engine, body: () => Promise<void>): Promise<Work> {
  const before = engine.cpuMilliseconds();
  const began = performance.now();
  await body();
  const seconds = (performance.now() - began) / 1000;
  return { seconds, cpu: (engine.cpuMilliseconds() - before) / 1000 };
}

async function loadArchive(engine: Engine, archive: Buffer): Promise<void> {
  const { status, body } = await engine.client.request('POST', '/v1.40/images/load?quiet=1', archive);
  if (status !== 200 || body.includes('errorDetail')) throw new Error(`${engine.name}: load: ${status} ${body}`);
}

/** Reads the archive as it comes and keeps nothing of it. */
async function saveArchive(engine: Engine, name: string): Promise<void> {
  const response = await fetch(`http://engine/v1.40/images/${name}/get`, { unix: engine.paths.socket });
  let length = 0;
  for await (const chunk of response.body ?? []) length += chunk.length;
  if (!response.ok || length < 1_000_000) throw new Error(`${engine.name}: save: ${response.status}, ${length} bytes`);
}

/** Resolves with the image's id. */
async function importRoot(engine: Engine, root: Buffer): Promise<string> {
  const url = '/v1.40/images/create?fromSrc=-&repo=localhost/imported&tag=1';
  const { status, body } = await engine.client.request('POST', url, root);
  const id = /[0-9a-f]{64}/.exec(body.toString())?.[0];
  if (status !== 200 || !id) throw new Error(`${engine.name}: import: ${status} ${body}`);
  return id;
}
