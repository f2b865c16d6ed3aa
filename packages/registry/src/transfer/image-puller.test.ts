import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { shortId } from '@wharf/base/id';
import { digestHex } from '@wharf/oci/digest';
import { mediaTypes } from '@wharf/oci/media-type';
import { layerDirectory } from '@wharf/store/layers/layer-directory';
import { tarOf } from '@wharf/store/layers/tar-fixture';
import { failure, json, type LayerCompression, LyingRegistry, partOf } from './lying-registry.ts';
import { type FixtureOptions, TransferFixture } from './transfer-fixture.ts';

/** A layer with a file of random bytes, which no compression makes smaller. */
function randomTar(size: number, name = 'file'): Buffer {
  return tarOf({ type: 'file', name, content: randomBytes(size) });
}

async function setUp(options: FixtureOptions = {}) {
  const registry = await new LyingRegistry().open();
  const fixture = new TransferFixture(options);
  return {
    registry,
    fixture,
    name: `${registry.host}/a`,
    async [Symbol.asyncDispose]() {
      await fixture[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
    },
  };
}

describe('pulling an image', () => {
  for (const compression of ['gzip', 'zstd', 'zstd:chunked', 'none'] as LayerCompression[]) {
    test(`with layers of compression ${compression}: Docker's words, the files, and nothing twice`, async () => {
      await using setup = await setUp();
      const { registry, fixture, name } = setup;
      const tar = tarOf({ type: 'file', name: 'hello', content: 'world' });
      const layer = registry.layer(tar, compression);
      const digest = registry.image('latest', [layer]);
      const id = shortId(layer.digest);
      assert.deepEqual(await fixture.pull(`${name}:latest`), [
        'latest: Pulling from a',
        `${id}: Pulling fs layer`,
        `${id}: Waiting`,
        `${id}: Verifying Checksum`,
        `${id}: Download complete`,
        `${id}: Pull complete`,
        `Digest: ${digest}`,
        `Status: Downloaded newer image for ${name}:latest`,
      ]);
      const image = fixture.store.resolve(`${name}:latest`);
      assert.equal(image.id, digest);
      assert.deepEqual(image.repoDigests, [`${name}@${digest}`]);
      assert.equal(readFileSync(join(layerDirectory(fixture.dataRoot, layer.diffId), 'hello'), 'utf8'), 'world');
      // A plain layer is not stored twice.
      assert.equal(fixture.store.parts.content.has(layer.digest), compression !== 'none');
      registry.requests.length = 0;
      assert.deepEqual(await fixture.pull(`${name}:latest`), [
        'latest: Pulling from a',
        `Digest: ${digest}`,
        `Status: Image is up to date for ${name}:latest`,
      ]);
      assert.deepEqual(
        registry.requests.map(({ method, path }) => `${method} ${path}`),
        ['HEAD /v2/a/manifests/latest'],
      );
      registry.image('next', [layer, registry.layer(randomTar(10))]);
      assert.ok((await fixture.pull(`${name}:next`)).includes(`${id}: Already exists`));
      await fixture.store.collectGarbage();
      assert.equal(fixture.store.resolve(`${name}:next`).diffIds.length, 2);
    });
  }

  test('by digest', async () => {
    await using setup = await setUp();
    const { registry, fixture, name } = setup;
    const digest = registry.image('latest', [registry.layer(randomTar(10))]);
    const said = await fixture.pull(`${name}@${digest}`);
    assert.equal(said[0], `${digest}: Pulling from a`);
    assert.equal(said.at(-1), `Status: Downloaded newer image for ${name}@${digest}`);
    const image = fixture.store.resolve(`${name}@${digest}`);
    assert.deepEqual([image.repoTags, image.repoDigests], [[], [`${name}@${digest}`]]);
  });

  test('of one platform, then of another, out of an index', async () => {
    await using setup = await setUp();
    const { registry, fixture, name } = setup;
    const platforms = ['amd64', 'arm64', 's390x'].map((architecture) => ({ os: 'linux', architecture }));
    const images = platforms.map((platform) => ({
      platform,
      digest: registry.image(platform.architecture, [registry.layer(randomTar(10))], { platform }),
    }));
    const digest = registry.index('latest', images);
    await fixture.pull(`${name}:latest`, { platform: platforms[2]! });
    assert.equal(fixture.store.resolve(name).config.architecture, 's390x');
    await fixture.pull(`${name}:latest`, { platform: platforms[0]! });
    const image = fixture.store.resolve(name);
    assert.deepEqual([image.id, image.config.architecture], [digest, process.arch === 'arm64' ? 's390x' : 'amd64']);
    assert.equal(fixture.store.resolve(name, platforms[2]).config.architecture, 's390x');
    await assert.rejects(fixture.pull(`${name}:latest`, { platform: { os: 'linux', architecture: 'riscv64' } }), {
      code: 'not_found',
      message:
        'no matching manifest for linux/riscv64 in the manifest list entries: it has linux/amd64, linux/arm64, linux/s390x',
    });
  });

  test('that has one platform only, and not the one asked for', async () => {
    await using setup = await setUp();
    const { registry, fixture, name } = setup;
    registry.image('latest', [], { platform: { os: 'linux', architecture: 's390x' } });
    const said = await fixture.pull(`${name}:latest`, { platform: { os: 'linux', architecture: 'arm64' } });
    assert.ok(said.some((line) => line.startsWith('WARNING: image with reference ')));
  });

  test('a hundred times at once fetches each blob once', async () => {
    await using setup = await setUp();
    const { registry, fixture, name } = setup;
    const shared = [registry.layer(randomTar(200_000)), registry.layer(randomTar(50_000, 'b'))];
    const own = Array.from({ length: 10 }, (_, index) => registry.layer(randomTar(100, `own-${index}`)));
    for (const [index, layer] of own.entries()) registry.image(`v${index}`, [...shared, layer]);
    await Promise.all(Array.from({ length: 100 }, (_, index) => fixture.pull(`${name}:v${index % 10}`)));
    for (const { digest } of [...shared, ...own]) assert.equal(registry.fetches(digest).length, 1);
    assert.equal(fixture.store.images().length, 10);
  });

  test('goes on for the others when one leaves', async () => {
    await using setup = await setUp();
    const { registry, fixture, name } = setup;
    const layer = registry.layer(randomTar(1_000_000));
    registry.image('latest', [layer]);
    registry.behave = ({ path }, honest) =>
      path.includes('/blobs/') ? { ...honest, slow: { milliseconds: 20, step: 100_000 } } : undefined;
    const abort = new AbortController();
    const left = fixture.pull(`${name}:latest`, {
      signal: abort.signal,
      progress: ({ status }) => status === 'Downloading' && abort.abort(new Error('left')),
    });
    const stays = fixture.pull(`${name}:latest`);
    await assert.rejects(left, /left/);
    await stays;
    assert.equal(registry.fetches(layer.digest).length, 1);
  });

  test('whose layers are kept elsewhere, without telling anybody a password', async () => {
    await using setup = await setUp();
    const { registry, fixture, name } = setup;
    const layer = registry.layer(randomTar(100));
    const foreign = { ...layer, mediaType: 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip' };
    registry.image('latest', [foreign]);
    const manifest = JSON.parse(registry.manifests.get('latest')!.bytes.toString());
    manifest.layers[0].urls = [`http://${registry.host}/elsewhere`];
    registry.manifest('latest', mediaTypes.ociManifest, manifest);
    registry.blobs.delete(layer.digest);
    registry.behave = ({ path }) => (path === '/elsewhere' ? { status: 200, body: layer.blob } : undefined);
    await fixture.pull(`${name}:latest`);
    assert.equal(fixture.store.resolve(name).diffIds[0], layer.diffId);
  });
});

describe('a transfer that breaks', () => {
  test('every few bytes goes on where it stopped', async () => {
    await using setup = await setUp();
    const { registry, fixture, name } = setup;
    const layer = registry.layer(randomTar(900_000));
    registry.image('latest', [layer]);
    registry.behave = ({ path }, honest) =>
      path.includes(layer.digest) ? { ...honest, cutAfter: 100_000 } : undefined;
    await fixture.pull(`${name}:latest`);
    const starts = registry.fetches(layer.digest).map(({ range }) => range?.start ?? 0);
    assert.ok(starts.at(-1)! > 700_000, starts.join());
  });

  test('and is given up goes on when the image is pulled again, by the next daemon too', async () => {
    await using setup = await setUp({ limits: { attempts: 1 } });
    const { registry, fixture, name } = setup;
    const layer = registry.layer(randomTar(900_000));
    const small = registry.layer(randomTar(10, 'small'));
    registry.image('latest', [small, layer]);
    registry.behave = ({ path }, honest) =>
      path.includes(layer.digest)
        ? { ...honest, cutAfter: 500_000, slow: { milliseconds: 50, step: 50_000 } }
        : undefined;
    await assert.rejects(fixture.pull(`${name}:latest`), /unexpected EOF/);
    assert.throws(() => fixture.store.resolve(name), { code: 'not_found' });
    assert.equal(fixture.store.parts.content.has(layer.digest), false);
    registry.behave = () => undefined;
    registry.requests.length = 0;
    await fixture.reopen();
    await fixture.pull(`${name}:latest`);
    const ranges = registry.fetches(layer.digest).map(({ range }) => range);
    assert.equal(ranges.length, 1);
    assert.ok(ranges[0]!.start >= 200_000 && ranges[0]!.end === undefined);
    assert.equal(registry.fetches(small.digest).length, 0);
  });

  test('from another content than the part that was kept starts over once', async () => {
    await using setup = await setUp({ limits: { attempts: 1 } });
    const { registry, fixture, name } = setup;
    const layer = registry.layer(randomTar(900_000));
    registry.image('latest', [layer]);
    registry.behave = ({ path }, honest) =>
      path.includes(layer.digest)
        ? { ...honest, body: Buffer.alloc(layer.blob.length, 'x'), cutAfter: 500_000 }
        : undefined;
    await assert.rejects(fixture.pull(`${name}:latest`));
    registry.behave = () => undefined;
    await fixture.pull(`${name}:latest`);
    assert.equal(fixture.store.resolve(name).diffIds[0], layer.diffId);
  });

  test('of a slow large blob uses several connections', async () => {
    const download = { patience: 50, smallestSplit: 50_000 };
    await using setup = await setUp({ limits: { download } });
    const { registry, fixture, name } = setup;
    const layer = registry.layer(randomTar(900_000));
    registry.image('latest', [layer]);
    registry.behave = ({ path }, honest) =>
      path.includes(layer.digest) ? { ...honest, slow: { milliseconds: 20, step: 20_000 } } : undefined;
    await fixture.pull(`${name}:latest`);
    const fetches = registry.fetches(layer.digest);
    assert.ok(fetches.length >= 3, `${fetches.length} connections`);
    assert.ok(fetches.slice(1).every(({ range }) => range !== undefined && range.start > 0));
  });

  /** What the registry does to the blob, and how the pull ends: undefined is well. */
  const rows: [what: string, behave: (size: number) => LyingRegistry['behave'], RegExp | undefined][] = [
    [
      '500s pass',
      () =>
        ({ before }) =>
          before < 2 ? failure(500, 'UNKNOWN', 'oops') : undefined,
      undefined,
    ],
    ['500s for ever', () => () => failure(500, 'UNKNOWN', 'oops'), /^unknown: oops$/],
    [
      'it is busy',
      () =>
        ({ before }) =>
          before < 1 ? { ...failure(429, 'TOOMANYREQUESTS', 'slow down'), headers: { 'Retry-After': '0' } } : undefined,
      undefined,
    ],
    [
      'too long',
      () => (_, honest) => ({ ...honest, body: Buffer.concat([honest.body as Buffer, Buffer.from('more')]) }),
      /bytes where its manifest says/,
    ],
    [
      'too short',
      () => (_, honest) => ({ ...honest, body: (honest.body as Buffer).subarray(0, 1000) }),
      /bytes where its manifest says/,
    ],
    ['other bytes', (size) => () => ({ status: 200, body: Buffer.alloc(size, 'x') }), /verification failed|invalid/],
    [
      'it redirects in a circle',
      () =>
        ({ path }) => ({ status: 307, headers: { Location: path } }),
      /stopped after 10 redirects/,
    ],
    ['it redirects to nowhere', () => () => ({ status: 307 }), /redirect to nowhere/],
    ['not there', () => () => failure(404, 'BLOB_UNKNOWN', 'blob unknown to registry'), /^blob unknown/],
    ['silent', () => (_, honest) => ({ ...honest, stallAfter: 1000 }), /next to nothing/],
    [
      'silent once',
      () =>
        ({ before }, honest) =>
          before === 0 ? { ...honest, stallAfter: 1000 } : undefined,
      undefined,
    ],
    [
      'a few bytes at a time',
      () => (_, honest) => ({ ...honest, slow: { milliseconds: 50, step: 1 } }),
      /next to nothing/,
    ],
    [
      'another range than asked for',
      () =>
        ({ range }, honest) =>
          range
            ? { ...honest, headers: { 'Content-Range': `bytes 0-9/${honest.headers!['Content-Range']}` } }
            : { ...honest, cutAfter: 100_000 },
      /unexpected EOF|verification failed|invalid/,
    ],
    [
      'the whole when a range is asked for',
      (size) =>
        ({ range, before }, honest) =>
          range
            ? { ...honest, status: 200, headers: {}, body: allOf.get(size)! }
            : before === 0
              ? { ...honest, cutAfter: 100_000 }
              : undefined,
      undefined,
    ],
    [
      'no ranges',
      () =>
        ({ range, before }, honest) =>
          range ? { status: 416 } : before === 0 ? { ...honest, cutAfter: 100_000 } : undefined,
      undefined,
    ],
    [
      'a range of other bytes',
      (size) =>
        ({ range }, honest) =>
          range ? partOf(Buffer.alloc(size, 'x'), range) : { ...honest, cutAfter: 100_000 },
      /verification failed|invalid/,
    ],
  ];
  const allOf = new Map<number, Buffer>();
  for (const [what, behave, expected] of rows) {
    test(`because of the blob is ${what}`, async () => {
      const download = { silence: 300, slowest: 100_000 };
      await using setup = await setUp({ limits: { attempts: 3, download } });
      const { registry, fixture, name } = setup;
      const layer = registry.layer(randomTar(300_000));
      allOf.set(layer.blob.length, layer.blob);
      registry.image('latest', [layer]);
      const lie = behave(layer.blob.length);
      registry.behave = (request, honest) => (request.path.includes(layer.digest) ? lie(request, honest) : undefined);
      if (!expected) {
        await fixture.pull(`${name}:latest`);
        return;
      }
      await assert.rejects(
        fixture.pull(`${name}:latest`),
        ({ message }: Error) => expected.test(message) || assert.fail(message) === undefined,
      );
      const visible = (await fixture.left()).filter((path) => !path.startsWith('content/ingest'));
      assert.ok(
        !visible.some((path) => path.includes(digestHex(layer.digest)) || path.includes(digestHex(layer.diffId))),
        visible.join(),
      );
      assert.deepEqual(
        visible.filter((path) => path.startsWith('layer')),
        [],
      );
      assert.throws(() => fixture.store.resolve(name), { code: 'not_found' });
    });
  }

  test("because the image's config tells lies about a layer", async () => {
    await using setup = await setUp();
    const { registry, fixture, name } = setup;
    const secret = registry.layer(randomTar(10, 'secret'));
    const other = registry.layer(randomTar(10, 'other'));
    registry.image('secret', [secret]);
    registry.image('other', [other]);
    registry.image('lie', [other], { diffIds: [secret.diffId] });
    await fixture.pull(`${name}:secret`);
    await fixture.pull(`${name}:other`);
    await assert.rejects(fixture.pull(`${name}:lie`), { code: 'data_loss' });
    assert.throws(() => fixture.store.resolve(`${name}:lie`), { code: 'not_found' });
    assert.equal(fixture.store.resolve(`${name}:other`).diffIds[0], other.diffId);
  });

  test('off by the client leaves nothing but the part', async () => {
    await using setup = await setUp();
    const { registry, fixture, name } = setup;
    const layer = registry.layer(randomTar(900_000));
    registry.image('latest', [layer]);
    registry.behave = ({ path }, honest) =>
      path.includes(layer.digest) ? { ...honest, slow: { milliseconds: 30, step: 50_000 } } : undefined;
    const abort = new AbortController();
    const pull = fixture.pull(`${name}:latest`, {
      signal: abort.signal,
      progress: ({ progressDetail }) => (progressDetail?.current ?? 0) > 0 && abort.abort(new Error('left')),
    });
    await assert.rejects(pull, /left/);
    const hex = digestHex(layer.digest);
    const left = (await fixture.left()).filter((path) => !path.startsWith('content/blobs'));
    assert.deepEqual(left.sort(), [`content/ingest/${hex}.part`, `content/ingest/${hex}.ranges`]);
  });
});

describe('what is refused', () => {
  const rows: [what: string, prepare: (registry: LyingRegistry) => void, code: string, message: RegExp][] = [
    [
      'schema 1',
      (registry) =>
        void registry.manifest('latest', 'application/vnd.docker.distribution.manifest.v1+prettyjws', {
          schemaVersion: 1,
        }),
      'invalid_argument',
      /schema 1 .*is not supported/,
    ],
    [
      'an artifact',
      (registry) => void registry.image('latest', [], { configType: 'application/vnd.cncf.helm.config.v1+json' }),
      'invalid_argument',
      /Encountered remote "application\/vnd.cncf.helm.config.v1\+json"/,
    ],
    [
      'index and manifest in one',
      (registry) =>
        void registry.manifest('latest', mediaTypes.ociIndex, { schemaVersion: 2, manifests: [], layers: [] }),
      'invalid_argument',
      /both an index and a manifest/,
    ],
    [
      'more layers than diffIds',
      (registry) => void registry.image('latest', [registry.layer(randomTar(1))], { diffIds: [] }),
      'invalid_argument',
      /^mismatched image rootfs and manifest layers: 0 and 1$/,
    ],
    [
      'a tag that is not there',
      (registry) => {
        registry.image('1.36', []);
        registry.image('1.36-musl', []);
        registry.image('stable', []);
      },
      'not_found',
      /^manifest for 127\.0\.0\.1:\d+\/a:latest not found: manifest unknown: manifest unknown; the nearest tags are stable$|; the repository has tags such as/,
    ],
    [
      'nobody in particular',
      (registry) => {
        registry.behave = () => failure(401, 'UNAUTHORIZED', 'authentication required');
      },
      'not_found',
      /^pull access denied for 127\.0\.0\.1:\d+\/a, repository does not exist or may require 'docker login': unauthorized: authentication required; no credentials were sent to 127\.0\.0\.1:\d+$/,
    ],
    [
      'a repository that is not there',
      (registry) => {
        registry.behave = () => failure(404, 'NAME_UNKNOWN', 'repository name not known to registry');
      },
      'not_found',
      /^repository 127\.0\.0\.1:\d+\/a not found: name unknown: repository name not known to registry$/,
    ],
    [
      'a registry that is no registry',
      (registry) => {
        registry.behave = () => json(200, {});
      },
      'invalid_argument',
      /manifest/,
    ],
  ];
  for (const [what, prepare, code, message] of rows) {
    test(what, async () => {
      await using setup = await setUp();
      prepare(setup.registry);
      await assert.rejects(setup.fixture.pull(`${setup.name}:latest`), { code, message });
      assert.deepEqual(setup.fixture.store.images(), []);
    });
  }

  test('by an address where nobody is, at once', async () => {
    await using fixture = new TransferFixture();
    await assert.rejects(fixture.pull('127.0.0.1:1/a:latest'), /dial tcp 127.0.0.1:1: connect: connection refused/);
  });
});
