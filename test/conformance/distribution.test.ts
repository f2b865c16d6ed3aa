import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import { registryTarget, storedInBucket, useRegistry } from '../harness/registry.ts';

/** distribution-spec 1.1, section by section. What docker-registry 2.8 lacks is marked `ours`. */

const registry = useRegistry();
const ours = registryTarget === 'wharf' ? test : test.skip;

const types = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
  docker: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerList: 'application/vnd.docker.distribution.manifest.list.v2+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar',
  empty: 'application/vnd.oci.empty.v1+json',
};

type Bytes = Uint8Array<ArrayBuffer>;

function digestOf(bytes: Bytes | string, algorithm = 'sha256'): string {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
}

function random(size = 100): Bytes {
  return new Uint8Array(randomBytes(size));
}

function encode(value: unknown): Bytes {
  return new Uint8Array(Buffer.from(JSON.stringify(value)));
}

let count = 0;
function newRepository(): string {
  return `conformance/case-${count++}`;
}

async function expectStatus(response: Response, status: number): Promise<Response> {
  if (response.status !== status) assert.fail(`${response.status} instead of ${status}: ${await response.text()}`);
  return response;
}

async function expectError(response: Response, status: number, code: string): Promise<Response> {
  const text = await response.text();
  assert.equal(response.status, status, text);
  assert.match(response.headers.get('content-type') ?? '', /^application\/json/);
  const [error] = JSON.parse(text).errors;
  assert.equal(error.code, code, text);
  assert.equal(typeof error.message, 'string');
  return response;
}

async function startUpload(repository: string): Promise<string> {
  const response = await expectStatus(await registry.fetch('POST', `/v2/${repository}/blobs/uploads/`), 202);
  return response.headers.get('location')!;
}

async function pushBlob(repository: string, bytes: Bytes, algorithm = 'sha256'): Promise<string> {
  const digest = digestOf(bytes, algorithm);
  const location = await startUpload(repository);
  const response = await registry.fetch('PUT', location, { query: { digest }, body: bytes });
  await expectStatus(response, 201);
  return digest;
}

interface Image {
  readonly repository: string;
  readonly digest: string;
  readonly bytes: Bytes;
  readonly layer: string;
  readonly config: string;
}

interface ImageOptions {
  readonly tag?: string;
  readonly mediaType?: string;
  readonly more?: Record<string, unknown>;
}

async function pushImage(
  repository = newRepository(),
  { tag, mediaType = types.manifest, more = {} }: ImageOptions = {},
): Promise<Image> {
  const layerBytes = random();
  const configBytes = encode({ os: 'linux', architecture: 'amd64', salt: Math.random() });
  const layer = await pushBlob(repository, layerBytes);
  const config = await pushBlob(repository, configBytes);
  const bytes = encode({
    schemaVersion: 2,
    mediaType,
    config: { mediaType: types.config, digest: config, size: configBytes.length },
    layers: [{ mediaType: types.layer, digest: layer, size: layerBytes.length }],
    ...more,
  });
  const digest = digestOf(bytes);
  const response = await putManifest(repository, tag ?? digest, bytes, mediaType);
  await expectStatus(response, 201);
  return { repository, digest, bytes, layer, config };
}

function putManifest(repository: string, reference: string, bytes: Bytes, contentType = types.manifest) {
  const headers = { 'Content-Type': contentType };
  return registry.fetch('PUT', `/v2/${repository}/manifests/${reference}`, { headers, body: bytes });
}

function accept(...wanted: string[]): { headers: Record<string, string> } {
  return { headers: { Accept: wanted.join(', ') } };
}

describe('end-1: the version check', () => {
  test('GET /v2/ is answered with 200', async () => {
    const response = await expectStatus(await registry.fetch('GET', '/v2/'), 200);
    assert.equal(response.headers.get('docker-distribution-api-version'), 'registry/2.0');
  });

  test('what the specification does not have is 404', async () => {
    await expectStatus(await registry.fetch('GET', '/v2/nothing'), 404);
    await expectStatus(await registry.fetch('GET', '/v1/'), 404);
  });
});

describe('end-2: pulling blobs', () => {
  test('GET gives the bytes, HEAD their length alone', async () => {
    const repository = newRepository();
    const bytes = random(100_000);
    const digest = await pushBlob(repository, bytes);
    const path = `/v2/${repository}/blobs/${digest}`;
    const got = await expectStatus(await registry.fetch('GET', path), 200);
    assert.equal(got.headers.get('docker-content-digest'), digest);
    // A body that is passed on piece by piece has no length in its head.
    if (!storedInBucket) assert.equal(got.headers.get('content-length'), '100000');
    assert.deepEqual(new Uint8Array(await got.arrayBuffer()), bytes);
    const head = await expectStatus(await registry.fetch('HEAD', path), 200);
    assert.equal(head.headers.get('content-length'), '100000');
    assert.equal(head.headers.get('docker-content-digest'), digest);
    assert.equal((await head.arrayBuffer()).byteLength, 0);
  });

  test('ranges: from to, from, and the last bytes', async () => {
    const repository = newRepository();
    const bytes = random(1000);
    const path = `/v2/${repository}/blobs/${await pushBlob(repository, bytes)}`;
    const rows: [string, number, number][] = [
      ['bytes=0-0', 0, 1],
      ['bytes=10-19', 10, 20],
      ['bytes=990-', 990, 1000],
      ['bytes=990-5000', 990, 1000],
      ['bytes=-7', 993, 1000],
    ];
    for (const [range, start, end] of rows) {
      const response = await expectStatus(await registry.fetch('GET', path, { headers: { Range: range } }), 206);
      assert.equal(response.headers.get('content-range'), `bytes ${start}-${end - 1}/1000`, range);
      assert.deepEqual(new Uint8Array(await response.arrayBuffer()), bytes.slice(start, end), range);
    }
  });

  ours('a range that begins after the end is 416', async () => {
    const repository = newRepository();
    const path = `/v2/${repository}/blobs/${await pushBlob(repository, random(1000))}`;
    const past = await expectStatus(await registry.fetch('GET', path, { headers: { Range: 'bytes=1000-' } }), 416);
    assert.equal(past.headers.get('content-range'), 'bytes */1000');
    await past.body?.cancel();
  });

  test('a client that has it already is answered 304', async () => {
    const repository = newRepository();
    const path = `/v2/${repository}/blobs/${await pushBlob(repository, random())}`;
    const etag = (await registry.fetch('HEAD', path)).headers.get('etag')!;
    await expectStatus(await registry.fetch('GET', path, { headers: { 'If-None-Match': etag } }), 304);
  });

  ours('a range of something else is the whole: If-Range', async () => {
    const repository = newRepository();
    const digest = await pushBlob(repository, random(50));
    const path = `/v2/${repository}/blobs/${digest}`;
    const headers = { Range: 'bytes=0-9', 'If-Range': '"other"' };
    assert.equal((await registry.fetch('GET', path, { headers })).status, 200);
    assert.equal(
      (await registry.fetch('GET', path, { headers: { ...headers, 'If-Range': `"${digest}"` } })).status,
      206,
    );
  });

  test('one that is not there is BLOB_UNKNOWN, also when another repository has it', async () => {
    const digest = await pushBlob(newRepository(), random());
    for (const wanted of [digest, digestOf('nobody has this')]) {
      await expectError(await registry.fetch('GET', `/v2/other/repo/blobs/${wanted}`), 404, 'BLOB_UNKNOWN');
      await expectStatus(await registry.fetch('HEAD', `/v2/other/repo/blobs/${wanted}`), 404);
    }
  });

  test('the empty blob', async () => {
    const repository = newRepository();
    const digest = await pushBlob(repository, new Uint8Array());
    const response = await expectStatus(await registry.fetch('GET', `/v2/${repository}/blobs/${digest}`), 200);
    assert.equal((await response.arrayBuffer()).byteLength, 0);
  });
});

describe('end-3: pulling manifests', () => {
  test('by tag and by digest, byte for byte', async () => {
    const image = await pushImage(undefined, { tag: 'v1' });
    for (const reference of ['v1', image.digest]) {
      const path = `/v2/${image.repository}/manifests/${reference}`;
      const response = await expectStatus(await registry.fetch('GET', path, accept(types.manifest)), 200);
      assert.equal(response.headers.get('content-type'), types.manifest);
      assert.equal(response.headers.get('docker-content-digest'), image.digest);
      assert.deepEqual(new Uint8Array(await response.arrayBuffer()), image.bytes);
      const head = await expectStatus(await registry.fetch('HEAD', path, accept(types.manifest)), 200);
      assert.equal(head.headers.get('content-length'), String(image.bytes.length));
    }
  });

  test('unknown tags, digests and repositories are MANIFEST_UNKNOWN', async () => {
    const { repository } = await pushImage(undefined, { tag: 'v1' });
    const unknown = [`${repository}/manifests/v2`, `${repository}/manifests/${digestOf('x')}`, 'no/such/manifests/v1'];
    for (const path of unknown) {
      await expectError(await registry.fetch('GET', `/v2/${path}`, accept(types.manifest)), 404, 'MANIFEST_UNKNOWN');
      await expectStatus(await registry.fetch('HEAD', `/v2/${path}`, accept(types.manifest)), 404);
    }
  });

  test('a client that has it already is answered 304', async () => {
    const { repository, digest } = await pushImage();
    const path = `/v2/${repository}/manifests/${digest}`;
    const etag = (await registry.fetch('HEAD', path, accept(types.manifest))).headers.get('etag')!;
    const headers = { Accept: types.manifest, 'If-None-Match': etag };
    await expectStatus(await registry.fetch('GET', path, { headers }), 304);
  });

  test('a client that takes no index gets the image for linux/amd64', async () => {
    const repository = newRepository();
    const image = await pushImage(repository, { mediaType: types.docker });
    const list = encode({
      schemaVersion: 2,
      mediaType: types.dockerList,
      manifests: [
        {
          mediaType: types.docker,
          digest: image.digest,
          size: image.bytes.length,
          platform: { os: 'linux', architecture: 'amd64' },
        },
      ],
    });
    await expectStatus(await putManifest(repository, 'multi', list, types.dockerList), 201);
    const path = `/v2/${repository}/manifests/multi`;
    const old = await expectStatus(await registry.fetch('GET', path, accept(types.docker)), 200);
    assert.equal(old.headers.get('docker-content-digest'), image.digest);
    const whole = await expectStatus(await registry.fetch('GET', path, accept(types.docker, types.dockerList)), 200);
    assert.equal(whole.headers.get('docker-content-digest'), digestOf(list));
  });

  test('a type that the client does not take is not sent', async () => {
    const { repository, digest } = await pushImage();
    const path = `/v2/${repository}/manifests/${digest}`;
    await expectError(await registry.fetch('GET', path, accept(types.docker)), 404, 'MANIFEST_UNKNOWN');
    assert.equal((await registry.fetch('GET', path, accept('*/*'))).status, registryTarget === 'wharf' ? 200 : 404);
  });
});

describe('end-4a, end-6: pushing a blob monolithically', () => {
  test('POST, then PUT with all of it', async () => {
    const repository = newRepository();
    const bytes = random(5000);
    const digest = digestOf(bytes);
    const started = await expectStatus(await registry.fetch('POST', `/v2/${repository}/blobs/uploads/`), 202);
    assert.equal(started.headers.get('range'), '0-0');
    const location = started.headers.get('location')!;
    const put = await expectStatus(await registry.fetch('PUT', location, { query: { digest }, body: bytes }), 201);
    assert.equal(put.headers.get('docker-content-digest'), digest);
    const blob = await expectStatus(await registry.fetch('GET', put.headers.get('location')!), 200);
    assert.deepEqual(new Uint8Array(await blob.arrayBuffer()), bytes);
    await expectError(await registry.fetch('GET', location), 404, 'BLOB_UPLOAD_UNKNOWN');
  });

  test('another digest than the content’s is DIGEST_INVALID, and nothing is visible', async () => {
    const repository = newRepository();
    const digest = digestOf('something else');
    const location = await startUpload(repository);
    await expectError(
      await registry.fetch('PUT', location, { query: { digest }, body: random() }),
      400,
      'DIGEST_INVALID',
    );
    await expectStatus(await registry.fetch('HEAD', `/v2/${repository}/blobs/${digest}`), 404);
  });

  test('a digest that is none is DIGEST_INVALID', async () => {
    const repository = newRepository();
    for (const digest of ['', 'sha256:abc', 'md5:d41d8cd98f00b204e9800998ecf8427e', `sha256:${'g'.repeat(64)}`]) {
      const location = await startUpload(repository);
      const response = await registry.fetch('PUT', location, { query: { digest }, body: random() });
      await expectError(response, 400, 'DIGEST_INVALID');
    }
  });

  test('without a digest the upload is not complete', async () => {
    const location = await startUpload(newRepository());
    await expectError(await registry.fetch('PUT', location, { body: random() }), 400, 'DIGEST_INVALID');
  });

  test('the same blob again', async () => {
    const repository = newRepository();
    const bytes = random();
    assert.equal(await pushBlob(repository, bytes), await pushBlob(repository, bytes));
  });
});

describe('end-4b: pushing a blob with one POST', () => {
  ours('is taken whole', async () => {
    const repository = newRepository();
    const bytes = random(3000);
    const digest = digestOf(bytes);
    const path = `/v2/${repository}/blobs/uploads/`;
    const response = await expectStatus(await registry.fetch('POST', path, { query: { digest }, body: bytes }), 201);
    assert.equal(response.headers.get('location'), `/v2/${repository}/blobs/${digest}`);
    assert.equal((await registry.fetch('HEAD', `/v2/${repository}/blobs/${digest}`)).status, 200);
  });

  ours('with the wrong digest leaves nothing', async () => {
    const repository = newRepository();
    const digest = digestOf('other');
    const path = `/v2/${repository}/blobs/uploads/`;
    await expectError(await registry.fetch('POST', path, { query: { digest }, body: random() }), 400, 'DIGEST_INVALID');
    await expectStatus(await registry.fetch('HEAD', `/v2/${repository}/blobs/${digest}`), 404);
  });
});

describe('end-5: pushing a blob in chunks', () => {
  test('in order, with the status between', async () => {
    const repository = newRepository();
    const bytes = random(3000);
    const digest = digestOf(bytes);
    let location = await startUpload(repository);
    for (const [start, end] of [
      [0, 1000],
      [1000, 2500],
    ] as const) {
      const response = await registry.fetch('PATCH', location, {
        headers: { 'Content-Range': `${start}-${end - 1}`, 'Content-Type': 'application/octet-stream' },
        body: bytes.slice(start, end),
      });
      await expectStatus(response, 202);
      assert.equal(response.headers.get('range'), `0-${end - 1}`);
      location = response.headers.get('location')!;
      const status = await expectStatus(await registry.fetch('GET', location), 204);
      assert.equal(status.headers.get('range'), `0-${end - 1}`);
    }
    const headers = { 'Content-Range': '2500-2999', 'Content-Type': 'application/octet-stream' };
    const put = await registry.fetch('PUT', location, { query: { digest }, headers, body: bytes.slice(2500) });
    await expectStatus(put, 201);
    const got = await registry.fetch('GET', `/v2/${repository}/blobs/${digest}`);
    assert.deepEqual(new Uint8Array(await got.arrayBuffer()), bytes);
  });

  ours('a chunk out of order is 416 with where to go on', async () => {
    const repository = newRepository();
    const bytes = random(2000);
    let location = await startUpload(repository);
    const first = { headers: { 'Content-Range': '0-999' }, body: bytes.slice(0, 1000) };
    location = (await registry.fetch('PATCH', location, first)).headers.get('location')!;
    for (const range of ['1001-2000', '0-999', '500-1499']) {
      const response = await registry.fetch('PATCH', location, {
        headers: { 'Content-Range': range },
        body: random(1000),
      });
      await expectStatus(response, 416);
      assert.equal(response.headers.get('range'), '0-999');
      await response.body?.cancel();
    }
    const rest = { headers: { 'Content-Range': '1000-1999' }, body: bytes.slice(1000) };
    const done = await expectStatus(await registry.fetch('PATCH', location, rest), 202);
    location = done.headers.get('location')!;
    await expectStatus(await registry.fetch('PUT', location, { query: { digest: digestOf(bytes) } }), 201);
  });

  ours('the first chunk must start at 0, and its range be one', async () => {
    for (const range of ['5-14', 'nonsense', '9-5', 'bytes */10']) {
      const location = await startUpload(newRepository());
      const headers = { 'Content-Range': range };
      await expectStatus(await registry.fetch('PATCH', location, { headers, body: random(10) }), 416);
    }
  });

  ours('a range that is not as long as the body is SIZE_INVALID', async () => {
    const location = await startUpload(newRepository());
    const headers = { 'Content-Range': '0-19' };
    await expectError(await registry.fetch('PATCH', location, { headers, body: random(10) }), 400, 'SIZE_INVALID');
  });

  test('one chunk of unknown length, as docker pushes', async () => {
    const repository = newRepository();
    const bytes = random(200_000);
    const location = await startUpload(repository);
    const pieces = new ReadableStream({
      start(controller) {
        controller.enqueue(bytes.slice(0, 70_000));
        controller.enqueue(bytes.slice(70_000));
        controller.close();
      },
    });
    const patched = await fetch(new URL(location, `http://${registry.host}`), { method: 'PATCH', body: pieces });
    await expectStatus(patched, 202);
    assert.equal(patched.headers.get('range'), '0-199999');
    const next = patched.headers.get('location')!;
    await expectStatus(await registry.fetch('PUT', next, { query: { digest: digestOf(bytes) } }), 201);
  });

  ours('an upload of another repository is BLOB_UPLOAD_UNKNOWN', async () => {
    const repository = newRepository();
    const location = await startUpload(repository);
    const elsewhere = location.replace(repository, `${repository}-other`);
    await expectError(await registry.fetch('PATCH', elsewhere, { body: random() }), 404, 'BLOB_UPLOAD_UNKNOWN');
  });

  ours('an upload that never was is BLOB_UPLOAD_UNKNOWN', async () => {
    for (const id of ['4bf2e2ab-1a2b-4c3d-8e4f-5a6b7c8d9e0f', 'x']) {
      const path = `/v2/${newRepository()}/blobs/uploads/${id}`;
      await expectError(await registry.fetch('PATCH', path, { body: random() }), 404, 'BLOB_UPLOAD_UNKNOWN');
    }
  });
});

describe('end-13, end-14: the state of an upload, and its end', () => {
  test('GET tells how far it is, DELETE ends it', async () => {
    const location = await startUpload(newRepository());
    const status = await expectStatus(await registry.fetch('GET', location), 204);
    assert.equal(status.headers.get('range'), '0-0');
    await expectStatus(await registry.fetch('DELETE', location), 204);
    await expectError(await registry.fetch('GET', location), 404, 'BLOB_UPLOAD_UNKNOWN');
    await expectError(await registry.fetch('DELETE', location), 404, 'BLOB_UPLOAD_UNKNOWN');
  });

  ours('a client that is cut off may ask how far it came, and go on', async () => {
    const repository = newRepository();
    const bytes = random(3_000_000);
    const location = await startUpload(repository);
    const { pathname, search } = new URL(location, `http://${registry.host}`);
    const socket = connect(Number(registry.host.split(':')[1]), '127.0.0.1');
    socket.write(`PATCH ${pathname}${search} HTTP/1.1\r\nHost: x\r\nContent-Length: ${bytes.length}\r\n\r\n`);
    socket.end(bytes.slice(0, 2_000_000));
    async function uploaded(): Promise<number> {
      const { headers } = await registry.fetch('GET', location);
      return Number(/^0-(\d+)$/.exec(headers.get('range') ?? '')?.[1] ?? -1) + 1;
    }
    while ((await uploaded()) <= 1) await new Promise((resolve) => setTimeout(resolve, 5));
    const size = await uploaded();
    assert.ok(size > 0 && size <= 2_000_000, `${size} bytes came`);
    const headers = { 'Content-Range': `${size}-${bytes.length - 1}` };
    const status = await registry.fetch('GET', location);
    const next = status.headers.get('location')!;
    const patched = await registry.fetch('PATCH', next, { headers, body: bytes.slice(size) });
    await expectStatus(patched, 202);
    const query = { digest: digestOf(bytes) };
    await expectStatus(await registry.fetch('PUT', patched.headers.get('location')!, { query }), 201);
  });
});

describe('end-11: mounting a blob from another repository', () => {
  test('gives it without an upload', async () => {
    const from = newRepository();
    const to = newRepository();
    const digest = await pushBlob(from, random());
    const response = await registry.fetch('POST', `/v2/${to}/blobs/uploads/`, { query: { mount: digest, from } });
    await expectStatus(response, 201);
    assert.equal(response.headers.get('docker-content-digest'), digest);
    await expectStatus(await registry.fetch('GET', `/v2/${to}/blobs/${digest}`), 200);
  });

  test('of a blob that is not there begins an upload', async () => {
    const query = { mount: digestOf('nowhere'), from: newRepository() };
    const response = await registry.fetch('POST', `/v2/${newRepository()}/blobs/uploads/`, { query });
    await expectStatus(response, 202);
    assert.ok(response.headers.get('location'));
  });

  ours('without `from` finds who has it', async () => {
    const to = newRepository();
    const digest = await pushBlob(newRepository(), random());
    const path = `/v2/${to}/blobs/uploads/`;
    await expectStatus(await registry.fetch('POST', path, { query: { mount: digest } }), 201);
    await expectStatus(await registry.fetch('HEAD', `/v2/${to}/blobs/${digest}`), 200);
    await expectStatus(await registry.fetch('POST', path, { query: { mount: digestOf('nobody') } }), 202);
  });
});

describe('end-7: pushing manifests', () => {
  test('by tag: Location and digest are answered', async () => {
    const image = await pushImage();
    const response = await expectStatus(await putManifest(image.repository, 'latest', image.bytes), 201);
    assert.equal(response.headers.get('docker-content-digest'), image.digest);
    const location = response.headers.get('location')!;
    await expectStatus(await registry.fetch('GET', location, accept(types.manifest)), 200);
  });

  test('a tag is moved by the next push', async () => {
    const repository = newRepository();
    await pushImage(repository, { tag: 'latest' });
    const second = await pushImage(repository, { tag: 'latest' });
    const head = await registry.fetch('HEAD', `/v2/${repository}/manifests/latest`, accept(types.manifest));
    assert.equal(head.headers.get('docker-content-digest'), second.digest);
  });

  test('blobs that are not there are MANIFEST_BLOB_UNKNOWN', async () => {
    const repository = newRepository();
    const config = await pushBlob(repository, encode({}));
    const bytes = encode({
      schemaVersion: 2,
      mediaType: types.manifest,
      config: { mediaType: types.config, digest: config, size: 2 },
      layers: [{ mediaType: types.layer, digest: digestOf('absent'), size: 6 }],
    });
    const response = await putManifest(repository, 'v1', bytes);
    await expectError(response, 400, 'MANIFEST_BLOB_UNKNOWN');
    const head = await registry.fetch('HEAD', `/v2/${repository}/manifests/v1`, accept(types.manifest));
    assert.equal(head.status, 404);
  });

  ours('blobs of another repository are not enough', async () => {
    const image = await pushImage();
    await expectError(await putManifest(newRepository(), 'v1', image.bytes), 400, 'MANIFEST_BLOB_UNKNOWN');
  });

  ours('a size that is not the blob’s is MANIFEST_INVALID', async () => {
    const repository = newRepository();
    const config = await pushBlob(repository, encode({}));
    const wrong = { mediaType: types.config, digest: config, size: 3 };
    const bytes = encode({ schemaVersion: 2, mediaType: types.manifest, config: wrong, layers: [] });
    await expectError(await putManifest(repository, 'v1', bytes), 400, 'MANIFEST_INVALID');
  });

  test('what is no manifest is MANIFEST_INVALID', async () => {
    const repository = newRepository();
    const rows: [Bytes, string][] = [
      [encode('text'), types.manifest],
      [new Uint8Array(Buffer.from('{')), types.manifest],
      [encode({ schemaVersion: 1 }), 'application/vnd.docker.distribution.manifest.v1+json'],
      [encode({ schemaVersion: 2, mediaType: types.index }), types.manifest],
    ];
    for (const [bytes, type] of rows) {
      const response = await putManifest(repository, 'v1', bytes, type);
      await expectError(response, 400, 'MANIFEST_INVALID');
    }
  });

  ours('nor is one whose descriptors are wrong', async () => {
    const repository = newRepository();
    const config = { mediaType: types.config, digest: await pushBlob(repository, encode({})), size: 2 };
    const rows: unknown[] = [
      {},
      { schemaVersion: 2, layers: [] },
      { schemaVersion: 2, config, layers: {} },
      { schemaVersion: 2, config: { ...config, digest: 'sha256:short' }, layers: [] },
      { schemaVersion: 2, config: { ...config, size: -1 }, layers: [] },
      { schemaVersion: 2, config, layers: [], annotations: { a: 1 } },
      { schemaVersion: 2, config, layers: [], subject: 'text' },
    ];
    for (const row of rows)
      await expectError(await putManifest(repository, 'v1', encode(row)), 400, 'MANIFEST_INVALID');
  });

  test('a digest that is not the manifest’s is DIGEST_INVALID', async () => {
    const { repository, bytes } = await pushImage();
    await expectError(await putManifest(repository, digestOf('x'), bytes), 400, 'DIGEST_INVALID');
  });

  ours('a manifest of 4 MiB is taken, a larger one is 413', async () => {
    const repository = newRepository();
    const config = { mediaType: types.config, digest: await pushBlob(repository, encode({})), size: 2 };
    const padded = (size: number) => {
      const empty = encode({ schemaVersion: 2, mediaType: types.manifest, config, layers: [], annotations: { p: '' } });
      const annotations = { p: 'x'.repeat(size - empty.length) };
      return encode({ schemaVersion: 2, mediaType: types.manifest, config, layers: [], annotations });
    };
    const limit = 4 * 1024 * 1024;
    await expectStatus(await putManifest(repository, 'large', padded(limit)), 201);
    await expectError(await putManifest(repository, 'larger', padded(limit + 1)), 413, 'MANIFEST_INVALID');
  });

  test('an image index, whose manifests must be there', async () => {
    const repository = newRepository();
    const image = await pushImage(repository);
    const child = { mediaType: types.manifest, digest: image.digest, size: image.bytes.length };
    const index = encode({ schemaVersion: 2, mediaType: types.index, manifests: [child] });
    await expectStatus(await putManifest(repository, 'all', index, types.index), 201);
    const got = await registry.fetch('GET', `/v2/${repository}/manifests/all`, accept(types.index, types.manifest));
    assert.equal(got.headers.get('content-type'), types.index);
    const absent = encode({
      schemaVersion: 2,
      mediaType: types.index,
      manifests: [{ ...child, digest: digestOf('absent') }],
    });
    const response = await putManifest(repository, 'bad', absent, types.index);
    await expectError(response, 400, 'MANIFEST_BLOB_UNKNOWN');
  });

  test('docker schema 2', async () => {
    const image = await pushImage(undefined, { tag: 'v1', mediaType: types.docker });
    const got = await registry.fetch('GET', `/v2/${image.repository}/manifests/v1`, accept(types.docker));
    assert.equal(got.headers.get('content-type'), types.docker);
    assert.equal(got.headers.get('docker-content-digest'), image.digest);
  });

  ours('an artifact with the empty config', async () => {
    const repository = newRepository();
    const empty = { mediaType: types.empty, digest: await pushBlob(repository, encode({})), size: 2 };
    const artifact = { schemaVersion: 2, mediaType: types.manifest, artifactType: 'application/x', config: empty };
    await expectStatus(await putManifest(repository, 'a', encode({ ...artifact, layers: [empty] })), 201);
  });

  ours('layers that are kept elsewhere need not be here', async () => {
    const repository = newRepository();
    const config = { mediaType: types.config, digest: await pushBlob(repository, encode({})), size: 2 };
    const foreign = {
      mediaType: 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
      digest: digestOf('far away'),
      size: 8,
      urls: ['https://example.com/layer'],
    };
    const bytes = encode({ schemaVersion: 2, mediaType: types.manifest, config, layers: [foreign] });
    await expectStatus(await putManifest(repository, 'v1', bytes), 201);
  });

  ours('end-7b: several tags with one push by digest', async () => {
    const { repository, digest, bytes } = await pushImage();
    const path = `/v2/${repository}/manifests/${digest}?tag=one&tag=two`;
    const response = await registry.fetch('PUT', path, { headers: { 'Content-Type': types.manifest }, body: bytes });
    await expectStatus(response, 201);
    assert.equal(response.headers.get('oci-tag'), 'one, two');
    const list = await registry.fetch('GET', `/v2/${repository}/tags/list`);
    assert.deepEqual((await list.json()) as unknown, { name: repository, tags: ['one', 'two'] });
  });
});

describe('end-8: listing tags', () => {
  ours('sorted', async () => {
    const repository = newRepository();
    const { bytes } = await pushImage(repository, { tag: 'b' });
    for (const tag of ['d', 'a', 'c']) await expectStatus(await putManifest(repository, tag, bytes), 201);
    const whole = await registry.fetch('GET', `/v2/${repository}/tags/list`);
    assert.deepEqual(await whole.json(), { name: repository, tags: ['a', 'b', 'c', 'd'] });
    assert.equal(whole.headers.get('link'), null);
  });

  ours('n and last', async () => {
    const repository = newRepository();
    const { bytes } = await pushImage(repository, { tag: 'b' });
    for (const tag of ['d', 'a', 'c', 'B', '_x', 'v1.0-rc']) await putManifest(repository, tag, bytes);
    const seen: string[] = [];
    let next: string | undefined = `/v2/${repository}/tags/list?n=3`;
    let pages = 0;
    while (next) {
      const page: Response = await expectStatus(await registry.fetch('GET', next), 200);
      seen.push(...((await page.json()) as { tags: string[] }).tags);
      next = /^<([^>]+)>; rel="next"$/.exec(page.headers.get('link') ?? '')?.[1];
      pages++;
    }
    assert.deepEqual(seen, ['B', '_x', 'a', 'b', 'c', 'd', 'v1.0-rc']);
    assert.equal(pages, 3);
    const after = await registry.fetch('GET', `/v2/${repository}/tags/list?last=bb`);
    assert.deepEqual(((await after.json()) as { tags: string[] }).tags, ['c', 'd', 'v1.0-rc']);
    const none = await registry.fetch('GET', `/v2/${repository}/tags/list?n=0`);
    assert.deepEqual(((await none.json()) as { tags: string[] }).tags, []);
    assert.equal((await registry.fetch('GET', `/v2/${repository}/tags/list?n=x`)).status, 400);
  });

  test('an unknown repository is NAME_UNKNOWN', async () => {
    await expectError(await registry.fetch('GET', '/v2/no/such/repository/tags/list'), 404, 'NAME_UNKNOWN');
  });
});

describe('_catalog', () => {
  test('lists repositories in pages', async () => {
    const { repository } = await pushImage(undefined, { tag: 'v1' });
    const whole = await registry.fetch('GET', '/v2/_catalog?n=1000');
    const { repositories } = (await whole.json()) as { repositories: string[] };
    assert.ok(repositories.includes(repository));
    assert.deepEqual(repositories, [...repositories].sort());
    const page = await registry.fetch('GET', '/v2/_catalog?n=1');
    assert.deepEqual((await page.json()) as unknown, { repositories: repositories.slice(0, 1) });
    assert.match(page.headers.get('link') ?? '', /^<\/v2\/_catalog\?(?=.*n=1)(?=.*last=).*>; rel="next"$/);
  });
});

describe('end-9, end-10: deleting', () => {
  test('a manifest by digest, with its tags', async () => {
    const image = await pushImage(undefined, { tag: 'v1' });
    const path = `/v2/${image.repository}/manifests`;
    await expectStatus(await registry.fetch('DELETE', `${path}/${image.digest}`), 202);
    for (const reference of [image.digest, 'v1']) {
      const got = await registry.fetch('GET', `${path}/${reference}`, accept(types.manifest));
      await expectError(got, 404, 'MANIFEST_UNKNOWN');
    }
    await expectError(await registry.fetch('DELETE', `${path}/${image.digest}`), 404, 'MANIFEST_UNKNOWN');
  });

  ours('a tag alone', async () => {
    const image = await pushImage(undefined, { tag: 'v1' });
    await expectStatus(await putManifest(image.repository, 'v2', image.bytes), 201);
    const path = `/v2/${image.repository}/manifests`;
    await expectStatus(await registry.fetch('DELETE', `${path}/v1`), 202);
    await expectStatus(await registry.fetch('GET', `${path}/v1`), 404);
    await expectStatus(await registry.fetch('GET', `${path}/v2`), 200);
    await expectStatus(await registry.fetch('GET', `${path}/${image.digest}`), 200);
    await expectError(await registry.fetch('DELETE', `${path}/v1`), 404, 'MANIFEST_UNKNOWN');
  });

  test('a blob, from this repository alone', async () => {
    const from = newRepository();
    const to = newRepository();
    const digest = await pushBlob(from, random());
    await registry.fetch('POST', `/v2/${to}/blobs/uploads/`, { query: { mount: digest, from } });
    await expectStatus(await registry.fetch('DELETE', `/v2/${from}/blobs/${digest}`), 202);
    await expectStatus(await registry.fetch('HEAD', `/v2/${from}/blobs/${digest}`), 404);
    await expectStatus(await registry.fetch('HEAD', `/v2/${to}/blobs/${digest}`), 200);
    await expectError(await registry.fetch('DELETE', `/v2/${from}/blobs/${digest}`), 404, 'BLOB_UNKNOWN');
  });
});

describe('end-12: referrers', () => {
  const artifact = (subject: Image, artifactType: string) => ({
    subject: { mediaType: types.manifest, digest: subject.digest, size: subject.bytes.length },
    artifactType,
    annotations: { 'org.example': artifactType },
  });

  async function referrersOf(repository: string, digest: string, query: Record<string, string> = {}) {
    const path = `/v2/${repository}/referrers/${digest}`;
    const response = await expectStatus(await registry.fetch('GET', path, { query }), 200);
    assert.equal(response.headers.get('content-type'), types.index);
    const index = (await response.json()) as { manifests: Record<string, unknown>[]; schemaVersion: number };
    assert.equal(index.schemaVersion, 2);
    return { index, filters: response.headers.get('oci-filters-applied') };
  }

  ours('a subject without any has an empty index, also one that is not there', async () => {
    const image = await pushImage();
    assert.deepEqual((await referrersOf(image.repository, image.digest)).index.manifests, []);
    assert.deepEqual((await referrersOf(image.repository, digestOf('absent'))).index.manifests, []);
    assert.deepEqual((await referrersOf('no/such/repository', digestOf('absent'))).index.manifests, []);
  });

  ours('the push answers OCI-Subject, the list has descriptors', async () => {
    const subject = await pushImage();
    const { repository } = subject;
    const config = { mediaType: types.empty, digest: await pushBlob(repository, encode({})), size: 2 };
    const bytes = encode({
      schemaVersion: 2,
      mediaType: types.manifest,
      config,
      layers: [config],
      ...artifact(subject, 'application/sbom'),
    });
    const response = await expectStatus(await putManifest(repository, digestOf(bytes), bytes), 201);
    assert.equal(response.headers.get('oci-subject'), subject.digest);
    assert.deepEqual((await referrersOf(repository, subject.digest)).index.manifests, [
      {
        mediaType: types.manifest,
        digest: digestOf(bytes),
        size: bytes.length,
        artifactType: 'application/sbom',
        annotations: { 'org.example': 'application/sbom' },
      },
    ]);
  });

  ours('artifactType is that of the config where the manifest has none; an index may refer too', async () => {
    const subject = await pushImage();
    const { repository } = subject;
    const { subject: descriptor } = artifact(subject, '');
    await pushImage(repository, { more: { subject: descriptor } });
    const index = encode({ schemaVersion: 2, mediaType: types.index, manifests: [], ...artifact(subject, 'a/index') });
    await expectStatus(await putManifest(repository, 'i', index, types.index), 201);
    const { index: all } = await referrersOf(repository, subject.digest);
    assert.deepEqual(all.manifests.map(({ artifactType }) => artifactType).sort(), ['a/index', types.config]);
  });

  ours('artifactType filters, and the answer says so', async () => {
    const subject = await pushImage();
    for (const type of ['a/one', 'a/two']) await pushImage(subject.repository, { more: artifact(subject, type) });
    const filtered = await referrersOf(subject.repository, subject.digest, { artifactType: 'a/two' });
    assert.equal(filtered.filters, 'artifactType');
    assert.deepEqual(
      filtered.index.manifests.map(({ artifactType }) => artifactType),
      ['a/two'],
    );
    assert.equal((await referrersOf(subject.repository, subject.digest)).filters, null);
  });

  ours('a referrer may come before its subject, and goes with its own deletion', async () => {
    const repository = newRepository();
    const digest = digestOf('not pushed yet');
    const subject = { mediaType: types.manifest, digest, size: 14 };
    const image = await pushImage(repository, { more: { subject, artifactType: 'a/b' } });
    assert.equal((await referrersOf(repository, digest)).index.manifests.length, 1);
    await expectStatus(await registry.fetch('DELETE', `/v2/${repository}/manifests/${image.digest}`), 202);
    assert.equal((await referrersOf(repository, digest)).index.manifests.length, 0);
  });

  ours('a digest that is none is 400', async () => {
    await expectError(await registry.fetch('GET', '/v2/a/b/referrers/latest'), 400, 'DIGEST_INVALID');
  });
});

describe('names, tags and digests', () => {
  test('a wrong name is NAME_INVALID', async () => {
    for (const name of ['UPPER', 'a..b', '-a', 'a-', 'a/_b', 'a//b', 'a__b_', 'é', 'a+b']) {
      const response = await registry.fetch('POST', `/v2/${name}/blobs/uploads/`);
      await response.body?.cancel();
      assert.ok([400, 404, 301].includes(response.status), `${name}: ${response.status}`);
      if (registryTarget === 'wharf') assert.equal(response.status, 400, name);
    }
  });

  test('names of all shapes', async () => {
    for (const name of [
      'a',
      'a/b/c/d/e',
      'a.b',
      'a_b',
      'a__b',
      'a---b',
      '0',
      'blobs/uploads',
      'tags/list',
      'manifests',
    ]) {
      const image = await pushImage(`names/${name}`, { tag: 'v1' });
      const got = await registry.fetch('GET', `/v2/names/${name}/manifests/v1`, accept(types.manifest));
      assert.equal(got.headers.get('docker-content-digest'), image.digest, name);
    }
  });

  test('tags of all shapes, and ones that are none', async () => {
    const { repository, bytes } = await pushImage();
    for (const tag of ['_', 'V1', '1.0-rc.1', 'x'.repeat(128)]) {
      await expectStatus(await putManifest(repository, tag, bytes), 201);
    }
    for (const tag of ['-a', '.a', 'a+b', 'x'.repeat(129)]) {
      const response = await putManifest(repository, tag, bytes);
      await response.body?.cancel();
      assert.ok([400, 404].includes(response.status), tag);
    }
  });

  ours('sha512', async () => {
    const repository = newRepository();
    const bytes = random(10_000);
    const digest = await pushBlob(repository, bytes, 'sha512');
    assert.match(digest, /^sha512:/);
    const got = await expectStatus(await registry.fetch('GET', `/v2/${repository}/blobs/${digest}`), 200);
    assert.deepEqual(new Uint8Array(await got.arrayBuffer()), bytes);
    const config = { mediaType: types.empty, digest, size: bytes.length };
    const manifest = encode({ schemaVersion: 2, mediaType: types.manifest, config, layers: [] });
    await expectStatus(await putManifest(repository, digestOf(manifest, 'sha512'), manifest), 201);
    await expectStatus(await registry.fetch('GET', `/v2/${repository}/manifests/${digestOf(manifest, 'sha512')}`), 200);
  });

  ours('end-4c: the algorithm may be told before', async () => {
    const repository = newRepository();
    const path = `/v2/${repository}/blobs/uploads/`;
    const started = await registry.fetch('POST', path, { query: { 'digest-algorithm': 'sha512' } });
    await expectStatus(started, 202);
    const bytes = random();
    const query = { digest: digestOf(bytes, 'sha512') };
    await expectStatus(await registry.fetch('PUT', started.headers.get('location')!, { query, body: bytes }), 201);
    const unknown = await registry.fetch('POST', path, { query: { 'digest-algorithm': 'md5' } });
    await expectError(unknown, 400, 'DIGEST_INVALID');
  });

  test('a method that a path does not have is 405', async () => {
    await expectStatus(await registry.fetch('PUT', '/v2/a/b/tags/list', { body: 'x' }), 405);
    await expectStatus(await registry.fetch('POST', `/v2/a/b/manifests/v1`, { body: 'x' }), 405);
  });
});
