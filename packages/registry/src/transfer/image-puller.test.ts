import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { shortId } from '@wharf/base/id';
import { mediaTypes } from '@wharf/oci/media-type';
import { layerDirectory } from '@wharf/store/layers/layer-directory';
import { tarOf } from '@wharf/store/layers/tar-fixture';
import { failure, json, type LayerCompression, type LyingRegistry } from './lying-registry.ts';
import { besideRegistry, randomTar } from './lying-registry-fixture.ts';
import { TransferFixture } from './transfer-fixture.ts';

describe('pulling an image', () => {
  for (const compression of ['gzip', 'zstd', 'zstd:chunked', 'none'] as LayerCompression[]) {
    test(`with layers of compression ${compression}: Docker's words, the files, and nothing twice`, async () => {
      await using setup = await besideRegistry();
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
    await using setup = await besideRegistry();
    const { registry, fixture, name } = setup;
    const digest = registry.image('latest', [registry.layer(randomTar(10))]);
    const said = await fixture.pull(`${name}@${digest}`);
    assert.equal(said[0], `${digest}: Pulling from a`);
    assert.equal(said.at(-1), `Status: Downloaded newer image for ${name}@${digest}`);
    const image = fixture.store.resolve(`${name}@${digest}`);
    assert.deepEqual([image.repoTags, image.repoDigests], [[], [`${name}@${digest}`]]);
  });

  test('of one platform, then of another, out of an index', async () => {
    await using setup = await besideRegistry();
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
    await using setup = await besideRegistry();
    const { registry, fixture, name } = setup;
    registry.image('latest', [], { platform: { os: 'linux', architecture: 's390x' } });
    const said = await fixture.pull(`${name}:latest`, { platform: { os: 'linux', architecture: 'arm64' } });
    assert.ok(said.some((line) => line.startsWith('WARNING: image with reference ')));
  });

  test('a hundred times at once fetches each blob once', async () => {
    await using setup = await besideRegistry();
    const { registry, fixture, name } = setup;
    const shared = [registry.layer(randomTar(200_000)), registry.layer(randomTar(50_000, 'b'))];
    const own = Array.from({ length: 10 }, (_, index) => registry.layer(randomTar(100, `own-${index}`)));
    for (const [index, layer] of own.entries()) registry.image(`v${index}`, [...shared, layer]);
    await Promise.all(Array.from({ length: 100 }, (_, index) => fixture.pull(`${name}:v${index % 10}`)));
    for (const { digest } of [...shared, ...own]) assert.equal(registry.fetches(digest).length, 1);
    assert.equal(fixture.store.images().length, 10);
  });

  test('goes on for the others when one leaves', async () => {
    await using setup = await besideRegistry();
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
    await using setup = await besideRegistry();
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
      'more than the registry gives in a day',
      (registry) => {
        registry.behave = () => ({
          ...failure(429, 'TOOMANYREQUESTS', 'You have reached your pull rate limit.'),
          headers: { 'Retry-After': '20000' },
        });
      },
      'unavailable',
      /^toomanyrequests: You have reached your pull rate limit\.; 127\.0\.0\.1:\d+ asks to come back in 6 hours; no credentials were sent to 127\.0\.0\.1:\d+: 'docker login' may raise the limit$/,
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
      await using setup = await besideRegistry();
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
