import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { digestHex } from '@wharf/oci/digest';
import { failure, type LyingRegistry, partOf } from './lying-registry.ts';
import { besideRegistry, randomTar } from './lying-registry-fixture.ts';

describe('a transfer that breaks', () => {
  test('every few bytes goes on where it stopped', async () => {
    await using setup = await besideRegistry();
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
    await using setup = await besideRegistry({ limits: { attempts: 1 } });
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
    await using setup = await besideRegistry({ limits: { attempts: 1 } });
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
    await using setup = await besideRegistry({ limits: { download } });
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
      await using setup = await besideRegistry({ limits: { attempts: 3, download } });
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
    await using setup = await besideRegistry();
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
    await using setup = await besideRegistry();
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
