import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { before, describe, test } from 'node:test';
import { busyboxRootfs, imageArchive } from '../fixtures/image.ts';
import { tar } from '../fixtures/tar.ts';
import { useDaemon } from '../harness/fixture.ts';
import { useSandboxRegistry } from '../harness/sandbox-registry.ts';
import { wharfOnly } from '../harness/target.ts';

const engine = useDaemon();
const registry = useSandboxRegistry(engine);

const mostSteps = 40;
const largeLayer = 48 << 20;
/** Bytes after which a download notes what it has. */
const savedEvery = 8 << 20;

/** Three layers, of which every one can be told to be there. */
function layeredImage(name: string): Buffer {
  const layers = [1, 2].map((number) => tar([{ name: `layer-${number}`, content: `${name} ${number}` }]));
  return imageArchive(name, [busyboxRootfs(), ...layers]);
}

async function pull(name: string): Promise<boolean> {
  const { text } = await engine.api('POST', `/images/create?fromImage=${registry.host}/${name}`);
  return /Status: (Downloaded newer image|Image is up to date)/.test(text);
}

async function push(name: string): Promise<boolean> {
  const headers = { 'X-Registry-Auth': 'e30=' };
  const { text } = await engine.daemon.api('POST', `/images/${registry.host}/${name}/push`, undefined, { headers });
  return text.includes('"aux"');
}

async function isWhole(name: string): Promise<void> {
  const repository = name.split(':')[0]!;
  const { stdout, stderr } = await engine.sh('cat /layer-1 /layer-2', { Image: `${registry.host}/${name}` });
  assert.equal(stdout, `${repository}:1 1${repository}:1 2`, stderr);
}

/** Runs `operation` with a daemon that dies at each of its steps in turn; `judge` meets the next one. */
async function atEveryStep(
  prefix: string,
  operation: (name: string) => Promise<boolean>,
  judge: (name: string, acknowledged: boolean) => Promise<void>,
  prepare: (name: string) => Promise<void>,
): Promise<number> {
  for (let step = 1; step < mostSteps; step += 1) {
    const name = `${prefix.replace('.', '')}-${step}:1`;
    await prepare(name);
    await engine.daemon.stop();
    await engine.daemon.start({ WHARF_FAULT_POINT: `${prefix}:${step}` });
    const acknowledged = await operation(name).catch(() => false);
    if (acknowledged) await engine.daemon.kill();
    else await engine.daemon.exited;
    await engine.daemon.start();
    await judge(name, acknowledged);
    await engine.api('DELETE', `/images/${registry.host}/${name}?force=1`);
    if (acknowledged) return step - 1;
  }
  throw new Error(`${prefix} has no end`);
}

describe('kill -9', wharfOnly(), () => {
  test('at every step of a pull: the image is whole or not there, and comes', async () => {
    const steps = await atEveryStep(
      'pull.',
      pull,
      async (name, acknowledged) => {
        const { status } = await engine.api('GET', `/images/${registry.host}/${name}/json`);
        if (acknowledged) assert.equal(status, 200, 'it was acknowledged');
        if (status === 200) await isWhole(name);
        assert.ok(await pull(name));
        await isWhole(name);
      },
      async (name) => void (await registry.copy(layeredImage(name), name)),
    );
    assert.ok(steps >= 4, `${steps} steps`);
  });

  test('at every step of a push: the image here stays, and goes', async () => {
    const steps = await atEveryStep(
      'push.',
      push,
      async (name) => {
        await isWhole(name);
        assert.ok(await push(name));
        await engine.api('DELETE', `/images/${registry.host}/${name}?force=1`);
        assert.ok(await pull(name));
        await isWhole(name);
      },
      async (name) => {
        await engine.load(layeredImage(name));
        const tagged = `repo=${registry.host}/${name.replace(':', '&tag=')}`;
        assert.equal((await engine.api('POST', `/images/${name}/tag?${tagged}`)).status, 201);
        await engine.api('DELETE', `/images/${name}`);
      },
    );
    assert.ok(steps >= 3, `${steps} steps`);
  });

  before(async () => {
    if (wharfOnly().skip) return;
    for (const tag of ['1', '2']) {
      const layer = tar([{ name: 'large', content: randomBytes(largeLayer) }]);
      await registry.copy(imageArchive('large:1', [layer]), `large:${tag}`);
    }
  });

  test('with a layer fetched and not unpacked: it is not fetched again', async () => {
    await engine.daemon.stop();
    await engine.daemon.start({ WHARF_FAULT_POINT: 'pull.:1' });
    await downloaded().catch(() => undefined);
    await engine.daemon.exited;
    await engine.daemon.start();
    assert.equal((await engine.api('GET', `/images/${registry.host}/large:1/json`)).status, 404);
    const [first = largeLayer] = await downloaded();
    assert.ok(first >= largeLayer, `it went on at ${first}`);
    const { json } = await engine.api('GET', `/images/${registry.host}/large:1/json`);
    assert.deepEqual(json.RepoTags, [`${registry.host}/large:1`]);
  });

  test('in the middle of a download: it goes on where it was', async () => {
    let seen = 0;
    try {
      for await (const current of progress('2')) {
        if (seen === 0 && current >= savedEvery) await engine.daemon.kill();
        seen = Math.max(seen, current);
      }
    } catch {
      // The connection ends with the daemon.
    }
    assert.ok(seen >= savedEvery);
    await engine.daemon.start();
    const [first = largeLayer] = await downloaded('2');
    assert.ok(first >= savedEvery, `it went on at ${first}`);
    const { json } = await engine.api('GET', `/images/${registry.host}/large:2/json`);
    assert.deepEqual(json.RepoTags, [`${registry.host}/large:2`]);
  });
});

async function downloaded(tag = '1'): Promise<number[]> {
  const all: number[] = [];
  for await (const current of progress(tag)) all.push(current);
  return all;
}

async function* progress(tag: string): AsyncGenerator<number> {
  const open = await engine.daemon.open('POST', `/images/create?fromImage=${registry.host}/large&tag=${tag}`);
  let rest = '';
  for await (const chunk of open.body) {
    const lines = (rest + chunk.toString()).split('\r\n');
    rest = lines.pop()!;
    for (const line of lines) {
      const { status, progressDetail } = JSON.parse(line);
      if (status === 'Downloading') yield progressDetail.current as number;
    }
  }
}
