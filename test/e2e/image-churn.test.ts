import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { busyboxRootfs, imageArchive } from '../fixtures/image.ts';
import { tar } from '../fixtures/tar.ts';
import { useDaemon } from '../harness/fixture.ts';
import { listTar } from '../harness/list-tar.ts';
import { useSandboxRegistry } from '../harness/sandbox-registry.ts';

const engine = useDaemon();
const registry = useSandboxRegistry(engine);
const clients = 50;
const rounds = 6;

const layers = Array.from({ length: 6 }, (_, index) => tar([{ name: `l${index}`, content: randomBytes(20_000) }]));
/** Images that share layers with one another. */
const archives = Array.from({ length: 8 }, (_, index) =>
  imageArchive(`churn:${index}`, [busyboxRootfs(), layers[index % 6]!, layers[(index * 5 + 1) % 6]!]),
);

/** What is wrong with an archive that was answered with 200. */
function faultsOf(archive: Buffer): string[] {
  const blobs = listTar(archive).filter(({ name, type }) => type === '0' && name.startsWith('blobs/sha256/'));
  const wrong = blobs.filter(({ name, bytes }) => createHash('sha256').update(bytes).digest('hex') !== name.slice(13));
  const manifest = listTar(archive).find(({ name }) => name === 'manifest.json');
  return [...(manifest ? [] : ['no manifest']), ...wrong.map(({ name }) => name)];
}

const name = (index: number) => `${registry.host}/churn:${index % archives.length}`;
const gone = /No such image|does not exist|reference does not exist|image is being used|conflict/;

/** What a client may do; each answers what is wrong, or nothing. What another client has removed is no fault. */
const actions: Readonly<Record<string, (index: number) => Promise<string[]>>> = {
  async load(index) {
    const { status, text } = await engine.api('POST', '/images/load?quiet=1', archives[index % archives.length]);
    return status === 200 && !text.includes('errorDetail') ? [] : [text];
  },
  async pull(index) {
    const url = `/images/create?fromImage=${registry.host}/churn&tag=${index % archives.length}`;
    const { status, text } = await engine.api('POST', url);
    return status === 200 && !text.includes('errorDetail') ? [] : [text];
  },
  async save(index) {
    const { status, text, bytes } = await engine.api('GET', `/images/${name(index)}/get`);
    return status === 200 ? faultsOf(bytes) : gone.test(text) ? [] : [text];
  },
  async push(index) {
    await engine.api('POST', `/images/${name(index)}/tag?repo=${registry.host}/pushed&tag=${index}`);
    const { text } = await engine.daemon.api('POST', `/images/${registry.host}/pushed/push?tag=${index}`, undefined, {
      headers: { 'X-Registry-Auth': 'e30=' },
    });
    return text.includes('errorDetail') && !gone.test(text) ? [text] : [];
  },
  async remove(index) {
    const { status, text } = await engine.api('DELETE', `/images/${name(index)}?force=1`);
    return status === 200 || gone.test(text) ? [] : [text];
  },
  async untag(index) {
    const { status, text } = await engine.api('DELETE', `/images/${registry.host}/pushed:${index}`);
    return status === 200 || gone.test(text) ? [] : [text];
  },
  async prune() {
    const { status, text } = await engine.api('POST', '/images/prune');
    // dockerd does one at a time.
    return status === 200 || /already running/.test(text) ? [] : [text];
  },
};

test(`${clients} clients that bring, take and remove images: none is ever broken`, async () => {
  for (const [index, archive] of archives.entries()) await registry.copy(archive, `churn:${index}`);
  const kinds = Object.keys(actions);
  async function client(index: number): Promise<string[]> {
    const faults: string[] = [];
    for (let round = 0; round < rounds; round++) {
      const kind = kinds[(index * 3 + round * 5 + (index % 7)) % kinds.length]!;
      faults.push(...(await actions[kind]!(index + round)).map((fault) => `${kind}: ${fault.slice(-500)}`));
    }
    return faults;
  }
  const faults = await Promise.all(Array.from({ length: clients }, (_, index) => client(index)));
  assert.deepEqual(faults.flat(), []);

  const { json } = await engine.api('GET', '/images/json');
  const left: string[] = json.flatMap(({ RepoTags }: { RepoTags: string[] | null }) => RepoTags ?? []);
  for (const image of left) {
    const { status, bytes } = await engine.api('GET', `/images/${image}/get`);
    assert.deepEqual([image, status, faultsOf(bytes)], [image, 200, []]);
  }
  for (const index of archives.keys()) {
    assert.deepEqual(await actions.pull!(index), []);
    const { stdout } = await engine.run({ Image: name(index), Cmd: ['sh', '-c', 'cat /l* | wc -c'] });
    assert.ok(Number(stdout) >= 20_000, stdout);
  }
});
