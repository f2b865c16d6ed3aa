import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import type { JsonMessage } from '@wharf/api/streams/json-message';
import { digestOf } from '@wharf/oci/digest-of';
import { mount, unmount } from '@wharf/sys/mount';
import { layerDirectory } from '../layers/layer-directory.ts';
import { tarOf } from '../layers/tar-fixture.ts';
import { openDatabase } from '../metadata/database.ts';
import { openContentImageStore } from './content-image-store.ts';
import type { ImageUser } from './image-store.ts';

const signal = new AbortController().signal;

class Fixture {
  readonly dataRoot = mkdtempSync(join(tmpdir(), 'wharf-images-'));
  database = openDatabase(join(this.dataRoot, 'meta.db'));
  store = openContentImageStore({ database: this.database, dataRoot: this.dataRoot });

  async load(archive: Buffer, options: { quiet?: boolean; signal?: AbortSignal } = {}): Promise<JsonMessage[]> {
    const messages: JsonMessage[] = [];
    const chunks = Array.from({ length: Math.ceil(archive.length / 65536) }, (_, index) =>
      archive.subarray(index * 65536, (index + 1) * 65536),
    );
    await this.store.load(Readable.from(chunks), { quiet: true, signal, ...options }, (message) =>
      messages.push(message),
    );
    return messages;
  }

  async save(...names: string[]): Promise<Buffer> {
    return Buffer.concat(await (await this.store.save(names, { signal })).toArray());
  }

  remove(name: string, { force = false, users = [] as ImageUser[] } = {}) {
    return this.store.remove(name, { force, prune: true, usedBy: () => users });
  }

  async reopen(): Promise<void> {
    await this.store.close();
    this.database.close();
    this.database = openDatabase(join(this.dataRoot, 'meta.db'));
    this.store = openContentImageStore({ database: this.database, dataRoot: this.dataRoot });
  }

  /** Files of content, layers and recipes; deletions are waited for. */
  async left(): Promise<string[]> {
    await this.store.settled();
    const places = ['content/blobs/sha256', 'content/ingest', 'layers', 'layers/ingest', 'layers/trash', 'layer-tars'];
    return places.flatMap((place) =>
      readdirSync(join(this.dataRoot, place))
        .filter((name) => name !== 'ingest' && name !== 'trash')
        .map((name) => `${place}/${name}`),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store.close();
    await this.store.settled();
    this.database.close();
    rmSync(this.dataRoot, { recursive: true, force: true });
  }
}

const layerA = tarOf({ type: 'file', name: 'a', content: 'A' });
const randomLayer = (size: number) => tarOf({ type: 'file', name: 'random', content: randomBytes(size) });
const layerB = tarOf({ type: 'file', name: 'b', content: 'B'.repeat(100_000) });

function configOf(layers: readonly Buffer[], extra: object = {}): Buffer {
  const rootfs = { type: 'layers', diff_ids: layers.map(digestOf) };
  return Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', config: { Cmd: ['/a'] }, rootfs, ...extra }));
}

interface ArchiveOptions {
  readonly tags?: string[] | null;
  readonly config?: Buffer;
  readonly pack?: (layer: Buffer) => Buffer;
}

function dockerArchive(
  layers: readonly Buffer[],
  { tags = ['app:1'], config, pack = (layer) => layer }: ArchiveOptions = {},
) {
  const names = layers.map((_, index) => `${index}`.repeat(64).concat('/layer.tar'));
  return tarOf(
    ...layers.map((layer, index) => ({ type: 'file' as const, name: names[index]!, content: pack(layer) })),
    { type: 'file', name: 'config.json', content: config ?? configOf(layers) },
    {
      type: 'file',
      name: 'manifest.json',
      content: JSON.stringify([{ Config: 'config.json', RepoTags: tags, Layers: names }]),
    },
  );
}

describe('image store', () => {
  test('load: names, layers and config of a docker-archive', async () => {
    await using f = new Fixture();
    const messages = await f.load(dockerArchive([layerA, layerB], { tags: ['app:1', 'host:5000/x/app:2'] }));
    assert.deepEqual(messages, [{ stream: 'Loaded image: app:1\n' }, { stream: 'Loaded image: host:5000/x/app:2\n' }]);
    const image = f.store.resolve('app:1');
    assert.deepEqual(image.diffIds, [digestOf(layerA), digestOf(layerB)]);
    assert.deepEqual(image.layerSizes, [1, 100_000]);
    assert.deepEqual(image.repoTags, ['app:1', 'host:5000/x/app:2']);
    assert.deepEqual(image.repoDigests, [`app@${image.id}`, `host:5000/x/app@${image.id}`]);
    assert.equal(readFileSync(join(layerDirectory(f.dataRoot, digestOf(layerA)), 'a'), 'utf8'), 'A');
    for (const name of [
      image.id,
      image.id.slice(7),
      image.id.slice(7, 19),
      image.id.slice(0, 20),
      image.configDigest,
      'docker.io/library/app:1',
      `app@${image.id}`,
    ]) {
      assert.equal(f.store.resolve(name).id, image.id, name);
    }
    await f.reopen();
    assert.deepEqual(f.store.resolve('app:1'), image);
  });

  for (const [what, pack] of [
    ['gzip', gzipSync],
    ['zstd', (bytes: Buffer) => zstdCompressSync(bytes)],
  ] as const) {
    test(`load: a ${what} archive, and ${what} layers inside a plain one`, async () => {
      await using f = new Fixture();
      await f.load(pack(dockerArchive([layerA])));
      const plain = f.store.resolve('app:1');
      await f.load(dockerArchive([layerA, layerB], { pack }));
      const packed = f.store.resolve('app:1');
      assert.deepEqual(packed.diffIds, [digestOf(layerA), digestOf(layerB)]);
      assert.notEqual(packed.id, plain.id);
      // The compressed bytes are what the manifest names: they travel as they came.
      const saved = await f.save('app:1');
      await using g = new Fixture();
      await g.load(saved);
      assert.equal(g.store.resolve('app:1').id, packed.id);
    });
  }

  test('save: loading it elsewhere gives the same ids, and saving it there the same bytes', async () => {
    await using f = new Fixture();
    await f.load(dockerArchive([layerA, layerB], { tags: ['app:1', 'app:2', 'other:1'] }));
    const saved = await f.save('app', 'other:1');
    await using g = new Fixture();
    await g.load(saved);
    const { lastTagTime: _, ...image } = f.store.resolve('app:1');
    const { lastTagTime: __, ...again } = g.store.resolve('other:1');
    assert.deepEqual(again, image);
    assert.ok((await g.save('app', 'other:1')).equals(saved));
    assert.ok((await g.save('app:1')).length < saved.length);
  });

  test('save: an id brings no names', async () => {
    await using f = new Fixture();
    await f.load(dockerArchive([layerA]));
    const { id } = f.store.resolve('app:1');
    await using g = new Fixture();
    assert.deepEqual(await g.load(await f.save(id)), [{ stream: `Loaded image ID: ${id}\n` }]);
    await assert.rejects(f.save('app:1', 'absent'), { code: 'not_found', message: 'No such image: absent:latest' });
  });

  test('load: the symlinks that docker save makes of equal layers', async () => {
    await using f = new Fixture();
    const manifest = [{ Config: 'c.json', RepoTags: null, Layers: ['one/layer.tar', 'two/layer.tar'] }];
    await f.load(
      tarOf(
        { type: 'file', name: 'one/layer.tar', content: layerA },
        { type: 'symlink', name: 'two/layer.tar', linkName: '../one/layer.tar' },
        { type: 'file', name: 'c.json', content: configOf([layerA, layerA]) },
        { type: 'file', name: 'manifest.json', content: JSON.stringify(manifest) },
      ),
    );
    assert.deepEqual(f.store.images()[0]?.diffIds, [digestOf(layerA), digestOf(layerA)]);
  });

  test('load: a name moves to the new image, and Docker says so', async () => {
    await using f = new Fixture();
    await f.load(dockerArchive([layerA]));
    const { id } = f.store.resolve('app:1');
    const messages = await f.load(dockerArchive([layerB]));
    assert.equal(
      messages[0]?.stream,
      `The image app:1 already exists, renaming the old one with ID ${id} to empty string\n`,
    );
    assert.deepEqual(f.store.resolve(id).repoTags, []);
  });

  test('load: twenty at once, with layers in common', async () => {
    await using f = new Fixture();
    const archives = Array.from({ length: 20 }, (_, index) =>
      dockerArchive([layerA, layerB, tarOf({ type: 'file', name: `own${index}`, content: 'x'.repeat(index * 999) })], {
        tags: [`app:${index}`],
        ...(index % 2 === 0 && { pack: gzipSync }),
      }),
    );
    await Promise.all(archives.map((archive) => f.load(archive)));
    assert.equal(f.store.images().length, 20);
    assert.equal(readdirSync(join(f.dataRoot, 'layer-tars')).length, 22);
    await Promise.all(archives.map((_, index) => f.remove(`app:${index}`)));
    assert.deepEqual(await f.left(), []);
  });

  test('load: what is here already is not unpacked again, and checked all the same', async () => {
    await using f = new Fixture();
    await f.load(dockerArchive([layerA, layerB]));
    const inode = () => statSync(join(layerDirectory(f.dataRoot, digestOf(layerB)), 'b')).ino;
    const before = inode();
    const saved = await f.save('app:1');
    for (const archive of [
      dockerArchive([layerA, layerB]),
      dockerArchive([layerA, layerB], { pack: gzipSync }),
      saved,
    ]) {
      await f.load(archive);
      assert.equal(inode(), before);
    }
    // A blob that poses as a layer that is here.
    const at = saved.indexOf('BBBB');
    saved[at] = 0x43;
    await assert.rejects(f.load(saved), {
      code: 'invalid_argument',
      message: /^invalid archive: content digest sha256:/,
    });
  });

  test('load: progress tells each layer', async () => {
    await using f = new Fixture();
    const messages = await f.load(dockerArchive([layerB]), { quiet: false });
    const total = layerB.length;
    assert.deepEqual(messages[0], {
      status: 'Loading layer',
      id: '0'.repeat(12),
      progressDetail: { current: total, total },
    });
  });

  test('import: one layer, with changes applied', async () => {
    await using f = new Fixture();
    const changes = [
      'CMD ["/a", "b c"]',
      'ENV X=1 Y="2 3"',
      'EXPOSE 80 53/udp',
      'LABEL k=v',
      'ENTRYPOINT run it',
      'WORKDIR /w',
    ];
    const options = { reference: 'imported', message: 'Imported from -', changes, signal };
    const id = await f.store.import(Readable.from([gzipSync(layerA)]), options);
    const image = f.store.resolve('imported:latest');
    assert.equal(image.id, id);
    assert.deepEqual(image.diffIds, [digestOf(layerA)]);
    assert.deepEqual(image.config.config, {
      Cmd: ['/a', 'b c'],
      Env: ['X=1', 'Y=2 3'],
      ExposedPorts: { '80/tcp': {}, '53/udp': {} },
      Labels: { k: 'v' },
      Entrypoint: ['/bin/sh', '-c', 'run it'],
      WorkingDir: '/w',
    });
    const bad = f.store.import(Readable.from([layerA]), { ...options, changes: ['FROM x'] });
    await assert.rejects(bad, { code: 'invalid_argument', message: 'from is not a valid change command' });
  });

  test('hello: made when it is named, and not before', async () => {
    await using f = new Fixture();
    assert.equal(f.store.images().length, 0);
    assert.deepEqual(f.store.resolve('wharf/hello').repoTags, ['wharf/hello:latest']);
    await f.remove('wharf/hello');
    assert.deepEqual(await f.left(), []);
  });

  test('resolve: what is not there, in Docker’s words', async () => {
    await using f = new Fixture();
    await f.load(dockerArchive([layerA]));
    const cases = [
      ['absent', 'No such image: absent:latest'],
      ['absent:1', 'No such image: absent:1'],
      [`sha256:${'0'.repeat(64)}`, `No such image: sha256:${'0'.repeat(64)}`],
    ] as const;
    for (const [name, message] of cases) assert.throws(() => f.store.resolve(name), { code: 'not_found', message });
    assert.throws(() => f.store.resolve('Upper'), { code: 'invalid_argument', message: /must be lowercase/ });
    assert.throws(() => f.store.resolve('app:1', { os: 'linux', architecture: 's390x' }), {
      code: 'not_found',
      message:
        'image with reference app:1 was found but its platform (linux/amd64) does not match the specified platform (linux/s390x)',
    });
    assert.equal(f.store.resolve('app:1', { os: 'linux', architecture: 'x86_64' }).repoTags[0], 'app:1');
  });
});

describe('damage', () => {
  test('an image whose manifest is broken hides no other, and loading it again heals it', async () => {
    await using f = new Fixture();
    await f.load(dockerArchive([layerA]));
    await f.load(dockerArchive([layerB], { tags: ['other:1'] }));
    const { id } = f.store.resolve('app:1');
    writeFileSync(join(f.dataRoot, 'content/blobs/sha256', id.slice(7)), '{}');
    await f.reopen();
    assert.deepEqual(
      f.store.images().map(({ repoTags }) => repoTags),
      [['other:1']],
    );
    await f.load(dockerArchive([layerA]));
    assert.equal(f.store.resolve('app:1').id, id);
  });

  test('a layer changed on disk is never saved', async () => {
    await using f = new Fixture();
    await f.load(dockerArchive([layerA]));
    writeFileSync(join(layerDirectory(f.dataRoot, digestOf(layerA)), 'a'), 'X');
    await assert.rejects(f.save('app:1'), { code: 'data_loss' });
  });

  test('layers that were not synced before the machine stopped are dropped', async () => {
    await using f = new Fixture();
    await f.load(dockerArchive([layerA]));
    const layers = f.database.collection<object>('layers');
    layers.put(digestOf(layerA), { ...layers.get(digestOf(layerA)), unsyncedBoot: 'an earlier one' });
    await f.reopen();
    assert.throws(() => f.store.resolve('app:1'), { code: 'not_found' });
    await f.load(dockerArchive([layerA]));
    assert.equal(f.store.resolve('app:1').layerSizes[0], 1);
  });
});

test('load: an archive without the wanted platform is refused', async () => {
  await using f = new Fixture();
  const loading = f.store.load(
    Readable.from([dockerArchive([layerA])]),
    { quiet: true, signal, platforms: [{ os: 'linux', architecture: 'riscv64' }] },
    () => undefined,
  );
  await assert.rejects(loading, { code: 'invalid_argument' });
});

describe('removing images', () => {
  const running: ImageUser = { containerId: 'c'.repeat(64), running: true };
  const stopped: ImageUser = { containerId: 'd'.repeat(64), running: false };

  test('a name is untagged, the last one deletes, and nothing is left', async () => {
    await using f = new Fixture();
    await f.load(dockerArchive([layerA, layerB], { tags: ['app:1', 'app:2'] }));
    const { id } = f.store.resolve('app:1');
    assert.deepEqual(await f.remove('app:1'), [{ Untagged: 'app:1' }]);
    assert.deepEqual(await f.remove('app:2'), [{ Untagged: 'app:2' }, { Deleted: id }]);
    assert.deepEqual(await f.left(), []);
  });

  test('layers that another image or a container has stay', async () => {
    await using f = new Fixture();
    await f.load(dockerArchive([layerA, layerB]));
    await f.load(dockerArchive([layerA], { tags: ['base:1'] }));
    f.database.collection('snapshots').put('c1', { diffIds: [digestOf(layerB)] });
    await f.remove('app:1', { force: true, users: [stopped] });
    assert.ok(existsSync(layerDirectory(f.dataRoot, digestOf(layerA))));
    assert.ok(existsSync(layerDirectory(f.dataRoot, digestOf(layerB))));
    f.database.collection('snapshots').delete('c1');
    assert.ok((await f.store.collectGarbage()) > 0);
    assert.ok(!existsSync(layerDirectory(f.dataRoot, digestOf(layerB))));
    assert.ok(existsSync(layerDirectory(f.dataRoot, digestOf(layerA))));
  });

  test('conflicts, in Docker’s words', async () => {
    await using f = new Fixture();
    await f.load(dockerArchive([layerA], { tags: ['app:1'] }));
    const { id } = f.store.resolve('app:1');
    const short = id.slice(7, 19);
    const rejects = (name: string, options: Parameters<Fixture['remove']>[1], message: string) =>
      assert.rejects(f.remove(name, options), { code: 'conflict', message });
    await rejects(
      'app:1',
      { users: [stopped] },
      `conflict: unable to remove repository reference "app:1" (must force) - container dddddddddddd is using its referenced image ${short}`,
    );
    await rejects(
      id,
      { users: [running], force: true },
      `conflict: unable to delete ${short} (cannot be forced) - image is being used by running container cccccccccccc`,
    );
    await rejects(
      id,
      { users: [stopped] },
      `conflict: unable to delete ${short} (must be forced) - image is being used by stopped container dddddddddddd`,
    );
    f.store.tag('app:1', 'other');
    await rejects(
      short,
      {},
      `conflict: unable to delete ${short} (must be forced) - image is referenced in multiple repositories`,
    );
    assert.deepEqual(f.store.resolve(id).repoTags, ['app:1', 'other:latest']);
    assert.deepEqual(await f.remove(short, { force: true }), [
      { Untagged: 'app:1' },
      { Untagged: 'other:latest' },
      { Deleted: id },
    ]);
    await assert.rejects(f.remove('app:1'), { code: 'not_found', message: 'No such image: app:1' });
  });
});

describe('a bad archive is refused whole', () => {
  const manifest = (item: object) => ({
    type: 'file' as const,
    name: 'manifest.json',
    content: JSON.stringify([item]),
  });
  const evil = tarOf({ type: 'file', name: '../../victim', content: 'x' });
  const good = dockerArchive([layerA]);
  const oci = (manifestBytes: string, digest = digestOf(manifestBytes)) =>
    tarOf(
      { type: 'file', name: 'oci-layout', content: '{"imageLayoutVersion":"1.0.0"}' },
      { type: 'file', name: `blobs/sha256/${digest.slice(7)}`, content: manifestBytes },
      {
        type: 'file',
        name: 'index.json',
        content: JSON.stringify({
          schemaVersion: 2,
          manifests: [{ mediaType: 'application/vnd.oci.image.manifest.v1+json', digest, size: manifestBytes.length }],
        }),
      },
    );
  const cases: [what: string, archive: Buffer, message: RegExp][] = [
    ['nothing', Buffer.alloc(0), /unexpected EOF/],
    ['noise', Buffer.alloc(4096, 'noise'), /invalid tar header/],
    ['an empty tar', tarOf(), /unrecognized image format/],
    ['cut short', good.subarray(0, good.length - 3000), /unexpected EOF/],
    ['cut gzip', gzipSync(good).subarray(0, 300), /invalid compressed data|unexpected EOF/],
    [
      'broken gzip',
      Buffer.concat([gzipSync(good).subarray(0, 100), Buffer.alloc(1000, 5)]),
      /invalid compressed data|invalid tar header/,
    ],
    [
      'a device among its members',
      tarOf({ type: 'character', name: 'null', deviceMajor: 1, deviceMinor: 3 }),
      /character device/,
    ],
    ['a hostile layer', dockerArchive([layerA, evil]), /outside of the layer/],
    [
      'a layer that is not what the config says',
      dockerArchive([layerA], { config: configOf([layerB]) }),
      /invalid diffID for layer 0/,
    ],
    [
      'more layers than the config has',
      dockerArchive([layerA, layerB], { config: configOf([layerA]) }),
      /layers length mismatch/,
    ],
    ['a config that is no JSON', dockerArchive([layerA], { config: Buffer.from('{') }), /not JSON/],
    [
      'a config with a number as command',
      dockerArchive([layerA], { config: configOf([layerA], { config: { Cmd: [1] } }) }),
      /invalid image config: Cmd/,
    ],
    ['a bad tag', dockerArchive([layerA], { tags: ['UPPER:1'] }), /must be lowercase/],
    ['a tag without tag', dockerArchive([layerA], { tags: ['app'] }), /invalid tag "app"/],
    [
      'a missing layer',
      tarOf(
        { type: 'file', name: 'c.json', content: configOf([layerA]) },
        manifest({ Config: 'c.json', RepoTags: null, Layers: ['gone'] }),
      ),
      /"gone" does not exist/,
    ],
    [
      'a config outside',
      tarOf(manifest({ Config: '../../../etc/passwd', RepoTags: null, Layers: [] })),
      /does not exist/,
    ],
    [
      'links in a loop',
      tarOf(
        { type: 'symlink', name: 'a', linkName: 'b' },
        { type: 'symlink', name: 'b', linkName: 'a' },
        manifest({ Config: 'a', RepoTags: null, Layers: [] }),
      ),
      /too many links/,
    ],
    ['an OCI blob with another digest', oci('{}', digestOf('other')), /not found/],
    ['an OCI manifest that is none', oci('{}'), /invalid manifest/],
    ['bzip2', Buffer.concat([Buffer.from('BZh9'), Buffer.alloc(600)]), /bzip2/],
  ];
  for (const [what, archive, message] of cases) {
    test(what, async () => {
      await using f = new Fixture();
      await assert.rejects(f.load(archive), { message });
      assert.deepEqual(f.store.images(), []);
      assert.deepEqual(await f.left(), []);
    });
  }

  test('a load that is canceled leaves nothing', async () => {
    await using f = new Fixture();
    const abort = new AbortController();
    const archive = dockerArchive([tarOf({ type: 'file', name: 'big', content: Buffer.alloc(8 << 20) })]);
    async function* slowly() {
      yield archive.subarray(0, 1 << 20);
      abort.abort();
      yield archive.subarray(1 << 20);
    }
    const loading = f.store.load(Readable.from(slowly()), { quiet: true, signal: abort.signal }, () => undefined);
    await assert.rejects(loading, { code: 'canceled' });
    assert.deepEqual(await f.left(), []);
  });

  test('a source that fails leaves nothing', async () => {
    await using f = new Fixture();
    async function* failing() {
      yield good.subarray(0, 1024);
      throw new Error('connection reset');
    }
    const loading = f.store.load(Readable.from(failing()), { quiet: true, signal }, () => undefined);
    await assert.rejects(loading, /connection reset/);
    assert.deepEqual(await f.left(), []);
  });
});

test('failed and canceled loads leave no descriptor open', async () => {
  await using f = new Fixture();
  const directories = Array.from({ length: 200 }, (_, index) => ({
    type: 'file' as const,
    name: `d${index}/f`,
    content: 'x',
  }));
  const bad = tarOf(
    ...directories,
    { type: 'file', name: 'big', content: Buffer.alloc(36 << 20) },
    { type: 'file', name: '../x' },
  );
  const archives = [dockerArchive([bad]), dockerArchive([bad], { pack: gzipSync })] as const;
  const canceled = async (archive: Buffer) => {
    const abort = new AbortController();
    async function* half() {
      yield archive.subarray(0, archive.length - (1 << 20));
      abort.abort();
      yield Buffer.alloc(0);
    }
    return f.store.load(Readable.from(half()), { quiet: true, signal: abort.signal }, () => undefined);
  };
  const failAll = async () => {
    for (const archive of archives) await assert.rejects(f.load(archive), /outside of the layer/);
    await assert.rejects(canceled(archives[0]), { code: 'canceled' });
    await f.load(dockerArchive([layerA]));
  };
  await failAll();
  const open = () => readdirSync('/proc/self/fd').length;
  const before = open();
  for (let round = 0; round < 2; round++) await failAll();
  assert.ok(open() <= before + 3, `${before} descriptors became ${open()}`);
});

test('kill -9 in the middle of a load leaves nothing, and the store works', async () => {
  const dataRoot = mkdtempSync(join(tmpdir(), 'wharf-images-'));
  const layer = tarOf({ type: 'file', name: 'big', content: Buffer.alloc(8 << 20) });
  const archive = dockerArchive([layerB, layer], { pack: gzipSync });
  const script = join(dataRoot, 'loader.ts');
  const here = (path: string) => JSON.stringify(fileURLToPath(new URL(path, import.meta.url)));
  writeFileSync(
    script,
    `import { openContentImageStore } from ${here('./content-image-store.ts')};
     import { openDatabase } from ${here('../metadata/database.ts')};
     const database = openDatabase(process.argv[2] + '/meta.db');
     const store = openContentImageStore({ database, dataRoot: process.argv[2] });
     await store.load(process.stdin, { quiet: true, signal: new AbortController().signal }, () => {});`,
  );
  const child = spawn(process.execPath, [script, dataRoot], { stdio: ['pipe', 'inherit', 'inherit'] });
  child.stdin.on('error', () => undefined);
  child.stdin.write(archive.subarray(0, archive.length - 2000));
  const ingest = join(dataRoot, 'layers', 'ingest');
  while (!existsSync(ingest) || readdirSync(ingest).length === 0)
    await new Promise((resolve) => setTimeout(resolve, 5));
  child.kill('SIGKILL');
  await once(child, 'exit');
  const database = openDatabase(join(dataRoot, 'meta.db'));
  const store = openContentImageStore({ database, dataRoot });
  try {
    assert.deepEqual(store.images(), []);
    await store.settled();
    for (const place of ['content/ingest', 'content/blobs/sha256', 'layers/ingest', 'layers/trash', 'layer-tars']) {
      assert.deepEqual(readdirSync(join(dataRoot, place)), [], place);
    }
    await store.load(Readable.from([archive]), { quiet: true, signal }, () => undefined);
    assert.deepEqual(store.resolve('app:1').diffIds, [digestOf(layerB), digestOf(layer)]);
  } finally {
    await store.close();
    database.close();
    rmSync(dataRoot, { recursive: true, force: true });
  }
});

test('a full disk fails the load, leaves nothing, and the store goes on', async () => {
  const dataRoot = mkdtempSync(join(tmpdir(), 'wharf-images-'));
  mount({ source: 'tmpfs', target: dataRoot, type: 'tmpfs', data: 'size=12m' });
  const database = openDatabase(join(dataRoot, 'meta.db'));
  const store = openContentImageStore({ database, dataRoot });
  const load = (archive: Buffer) => store.load(Readable.from([archive]), { quiet: true, signal }, () => undefined);
  try {
    const large = tarOf({ type: 'file', name: 'large', content: Buffer.alloc(40 << 20, 1) });
    await assert.rejects(load(dockerArchive([layerA, large])), { message: /^write large: no space left on device$/ });
    await assert.rejects(load(dockerArchive([randomLayer(20 << 20)], { pack: gzipSync })), /no space left on device/);
    await store.settled();
    for (const place of ['content/ingest', 'content/blobs/sha256', 'layers/ingest', 'layers/trash', 'layer-tars']) {
      assert.deepEqual(readdirSync(join(dataRoot, place)), [], place);
    }
    await load(dockerArchive([layerA, layerB]));
    assert.equal(store.resolve('app:1').layerSizes[0], 1);
  } finally {
    await store.close();
    database.close();
    unmount(dataRoot, { detach: true });
    rmSync(dataRoot, { recursive: true, force: true });
  }
});
