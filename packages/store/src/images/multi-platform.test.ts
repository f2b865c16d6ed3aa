import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { Descriptor } from '@wharf/oci/descriptor';
import { digestOf } from '@wharf/oci/digest-of';
import { tarOf } from '../layers/tar-fixture.ts';
import { openDatabase } from '../metadata/database.ts';
import { openContentImageStore } from './content-image-store.ts';

const signal = new AbortController().signal;
const linux = (architecture: string) => ({ os: 'linux', architecture });

/** An OCI layout of one index: two platforms, one more that is not in the archive, and an attestation. */
class Layout {
  readonly #blobs = new Map<string, Buffer>();
  readonly index: Descriptor;

  constructor(annotations: Record<string, string>) {
    const absent = Buffer.from('never sent');
    const descriptors = [
      this.#image('amd64'),
      this.#image('arm64'),
      {
        mediaType: 'application/vnd.oci.image.manifest.v1+json',
        digest: digestOf(absent),
        size: 10,
        platform: linux('s390x'),
      },
      this.#attestation(),
    ];
    this.index = {
      ...this.#json('application/vnd.oci.image.index.v1+json', { schemaVersion: 2, manifests: descriptors }),
      annotations,
    };
  }

  archive(): Buffer {
    const blobs = [...this.#blobs].map(([digest, content]) => ({
      type: 'file' as const,
      name: `blobs/sha256/${digest.slice(7)}`,
      content,
    }));
    return tarOf(
      { type: 'file', name: 'oci-layout', content: '{"imageLayoutVersion":"1.0.0"}' },
      { type: 'file', name: 'index.json', content: JSON.stringify({ schemaVersion: 2, manifests: [this.index] }) },
      ...blobs,
    );
  }

  #add(mediaType: string, content: Buffer): Descriptor {
    this.#blobs.set(digestOf(content), content);
    return { mediaType, digest: digestOf(content), size: content.length };
  }

  #json(mediaType: string, value: object): Descriptor {
    return this.#add(mediaType, Buffer.from(JSON.stringify(value)));
  }

  #image(architecture: string): Descriptor {
    const tar = tarOf({ type: 'file', name: architecture, content: architecture });
    const layer = this.#add('application/vnd.oci.image.layer.v1.tar+gzip', gzipSync(tar));
    const rootfs = { type: 'layers', diff_ids: [digestOf(tar)] };
    const config = this.#json('application/vnd.oci.image.config.v1+json', { ...linux(architecture), rootfs });
    const manifest = { schemaVersion: 2, config, layers: [layer] };
    return { ...this.#json('application/vnd.oci.image.manifest.v1+json', manifest), platform: linux(architecture) };
  }

  #attestation(): Descriptor {
    const rootfs = { type: 'layers', diff_ids: [digestOf('statement')] };
    const config = this.#json('application/vnd.oci.image.config.v1+json', {
      os: 'unknown',
      architecture: 'unknown',
      rootfs,
    });
    const statement = this.#json('application/vnd.in-toto+json', { predicate: {} });
    const manifest = this.#json('application/vnd.oci.image.manifest.v1+json', {
      schemaVersion: 2,
      config,
      layers: [statement],
    });
    const annotations = {
      'vnd.docker.reference.type': 'attestation-manifest',
      'vnd.docker.reference.digest': digestOf('something'),
    };
    return { ...manifest, platform: { os: 'unknown', architecture: 'unknown' }, annotations };
  }
}

function openStore() {
  const dataRoot = mkdtempSync(join(tmpdir(), 'wharf-platforms-'));
  const database = openDatabase(join(dataRoot, 'meta.db'));
  const store = openContentImageStore({ database, dataRoot });
  return {
    store,
    layers: () => readdirSync(join(dataRoot, 'layer-tars')).length,
    load: (archive: Buffer, platforms: ReturnType<typeof linux>[] = []) =>
      store.load(Readable.from([archive]), { quiet: true, platforms, signal }, () => undefined),
    save: async (name: string, platforms: ReturnType<typeof linux>[] = []) =>
      Buffer.concat(await (await store.save([name], { platforms, signal })).toArray()),
    async [Symbol.asyncDispose]() {
      await store.close();
      await store.settled();
      database.close();
      rmSync(dataRoot, { recursive: true, force: true });
    },
  };
}

describe('an image for several platforms', () => {
  const layout = new Layout({ 'io.containerd.image.name': 'docker.io/library/multi:1' });

  test('is one image; each platform that came is in it', async () => {
    await using f = openStore();
    await f.load(layout.archive());
    const image = f.store.resolve('multi:1');
    assert.equal(image.id, layout.index.digest);
    assert.equal(f.store.images().length, 1);
    for (const architecture of ['amd64', 'arm64']) {
      const one = f.store.resolve('multi:1', linux(architecture));
      assert.equal(one.config.architecture, architecture);
      assert.equal(one.id, image.id);
    }
    assert.throws(() => f.store.resolve('multi:1', linux('s390x')), { code: 'not_found' });
    assert.equal(image.config.architecture, process.arch === 'arm64' ? 'arm64' : 'amd64');
  });

  test('keeps its id through save and load, attestation and all', async () => {
    await using f = openStore();
    await f.load(layout.archive());
    const saved = await f.save('multi:1');
    await using g = openStore();
    await g.load(saved);
    assert.equal(g.store.resolve('multi:1').id, layout.index.digest);
    assert.ok((await g.save('multi:1')).equals(saved));
  });

  test('one platform can be saved alone', async () => {
    await using f = openStore();
    await f.load(layout.archive());
    await using g = openStore();
    await g.load(await f.save('multi:1', [linux('arm64')]));
    const [image] = g.store.images();
    assert.equal(image?.config.architecture, 'arm64');
    assert.equal(image?.id, f.store.resolve('multi:1', linux('arm64')).manifest.digest);
    await assert.rejects(f.save('multi:1', [linux('s390x')]), { code: 'not_found' });
  });

  test('loading one platform leaves the others out', async () => {
    await using f = openStore();
    await f.load(layout.archive(), [linux('arm64')]);
    assert.equal(f.store.resolve('multi:1').config.architecture, 'arm64');
    assert.throws(() => f.store.resolve('multi:1', linux('amd64')), { code: 'not_found' });
    assert.equal(f.layers(), 1);
    await assert.rejects(f.load(layout.archive(), [linux('s390x')]), { code: 'invalid_argument' });
  });

  test('removing it removes all of it', async () => {
    await using f = openStore();
    await f.load(layout.archive());
    await f.store.remove('multi:1', { force: false, prune: true, usedBy: () => [] });
    assert.equal(await f.store.collectGarbage(), 0);
    assert.equal(f.store.images().length, 0);
  });

  test('tells of each manifest, here or not', async () => {
    await using opened = openStore();
    await opened.load(layout.archive());
    const views = opened.store.manifests(layout.index.digest);
    assert.deepEqual(
      views.map(({ kind, available, platform }) => [kind, available, platform?.architecture]),
      [
        ['image', true, 'amd64'],
        ['image', true, 'arm64'],
        ['image', false, 's390x'],
        ['attestation', true, undefined],
      ],
    );
    assert.equal(views[0]!.unpackedSize, 'amd64'.length);
    assert.equal(views[2]!.contentSize, 0);
    assert.equal(views[3]!.attests, digestOf('something'));
  });

  test('loses single platforms, and goes with the last', async () => {
    await using opened = openStore();
    await opened.load(layout.archive());
    const manifests = opened.store.manifests(layout.index.digest);
    const remove = (architecture: string, users: { containerId: string; running: boolean }[] = [], force = false) =>
      opened.store.removePlatforms('multi:1', { platforms: [linux(architecture)], force, usedBy: () => users });
    const user = { containerId: 'c0ffee', running: false };
    await assert.rejects(remove('amd64', [user]), {
      code: 'conflict',
      message: /must be forced.*stopped container c0ffee/,
    });
    await assert.rejects(remove('amd64', [{ ...user, running: true }], true), { message: /cannot be forced.*running/ });
    await assert.rejects(remove('s390x'), { code: 'not_found' });
    const layersBefore = opened.layers();
    assert.deepEqual(await remove('amd64'), [{ Deleted: manifests[0]!.descriptor.digest }]);
    assert.equal(opened.layers(), layersBefore - 1);
    assert.equal(opened.store.resolve('multi:1').config.architecture, 'arm64');
    assert.deepEqual(
      opened.store.manifests(layout.index.digest).map(({ available }) => available),
      [false, true, false, true],
    );
    assert.deepEqual(await remove('arm64', [user], true), [{ Untagged: 'multi:1' }, { Deleted: layout.index.digest }]);
    assert.throws(() => opened.store.resolve('multi:1'), { code: 'not_found' });
  });
});

for (const [annotation, expected] of [
  ['multi:2', ['multi:2']],
  ['host:5000/multi', ['host:5000/multi:latest']],
  ['latest', []],
] as const) {
  test(`a layout that says only ref.name=${annotation}`, async () => {
    await using f = openStore();
    await f.load(new Layout({ 'org.opencontainers.image.ref.name': annotation }).archive());
    assert.deepEqual(f.store.images()[0]?.repoTags, expected);
  });
}
