import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { digestOf } from '@wharf/oci/digest-of';
import { noCredentials } from '../client/credentials.ts';
import { RegistryClient } from '../client/registry-client.ts';
import { uploadBlob } from './upload-blob.ts';

const path = '/v2/some/blob/blobs/uploads/';
const content = Buffer.alloc(9 << 20, 'wharf');
const digest = digestOf(content);

/** A registry that takes one blob, and does what a test wants of it the first times. */
class Uploads {
  readonly asked: string[] = [];
  received = Buffer.alloc(0);
  done = false;
  #uploads = 0;
  /** Answers in place of the registry, for as long as there are any. */
  faults: ((request: Request, uploads: Uploads) => Promise<Response | undefined>)[] = [];
  readonly server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: (request) => this.#answer(request) });

  async #answer(request: Request): Promise<Response> {
    const url = new URL(request.url);
    this.asked.push(`${request.method} ${url.pathname.replace(path, '')}${request.headers.get('content-range') ?? ''}`);
    const fault = request.method === 'PATCH' || request.method === 'PUT' ? this.faults.shift() : undefined;
    const instead = await fault?.(request, this);
    if (instead) return instead;
    if (request.method === 'POST') {
      this.received = Buffer.alloc(0);
      this.#uploads += 1;
      return this.#location(202);
    }
    if (!url.pathname.endsWith(`/${this.#uploads}`)) return unknown();
    if (request.method === 'GET') return this.#location(204);
    await this.take(request);
    if (request.method === 'PATCH') return this.#location(202);
    const isWhole = digestOf(this.received) === url.searchParams.get('digest');
    this.done = isWhole;
    return new Response(null, { status: isWhole ? 201 : 400 });
  }

  async take(request: Request, limit = Number.POSITIVE_INFINITY): Promise<void> {
    const from = Number(/^(\d+)-/.exec(request.headers.get('content-range') ?? '')?.[1] ?? this.received.length);
    assert.equal(from, this.received.length, 'the upload goes on where it was');
    const bytes = Buffer.from(await request.arrayBuffer()).subarray(0, limit);
    this.received = Buffer.concat([this.received, bytes]);
  }

  /** The upload is over, and nobody remembers it. */
  forget(): void {
    this.#uploads += 1;
  }

  #location(status: number): Response {
    const headers = { Location: `${path}${this.#uploads}`, Range: `0-${Math.max(0, this.received.length - 1)}` };
    return new Response(null, { status, headers });
  }
}

function unknown(): Response {
  return Response.json({ errors: [{ code: 'BLOB_UPLOAD_UNKNOWN', message: 'blob upload unknown' }] }, { status: 404 });
}

let uploads: Uploads;
afterEach(() => uploads.server.stop(true));

async function upload(bytes: Buffer, faults: Uploads['faults'] = [], attempts = 3): Promise<number[]> {
  uploads = new Uploads();
  uploads.faults = faults;
  const domain = `127.0.0.1:${uploads.server.port}`;
  const client = new RegistryClient({
    userAgent: 'test',
    proxies: { http: '', https: '', no: '' },
    config: () => ({ mirrors: [], insecure: [domain], prefixMirrors: {} }),
    directories: () => ({ tls: {}, hosts: [] }),
  });
  const { signal } = new AbortController();
  const repository = client.repository({ domain, path: 'some/blob' }, noCredentials);
  await repository.settlePushHost(signal);
  const sent: number[] = [];
  const source = {
    digest: digestOf(bytes),
    size: bytes.length,
    open: (offset: number) => new Blob([bytes.subarray(offset) as Uint8Array<ArrayBuffer>]).stream(),
  };
  const onProgress = (count: number) => void sent.push(count);
  await uploadBlob(source, { repository, signal, attempts, onProgress, onWait: () => {} });
  return sent;
}

test('a small blob takes two requests', async () => {
  await upload(content.subarray(0, 1000));
  assert.deepEqual(uploads.asked.slice(1), ['POST ', 'PUT 1']);
  assert.ok(uploads.done);
});

test('a large one goes in a request of its own, and its progress is told', async () => {
  const sent = await upload(content);
  assert.deepEqual(uploads.asked.slice(1), ['POST ', 'PATCH 1', 'PUT 1']);
  assert.ok(uploads.done);
  assert.equal(sent.at(-1), content.length);
});

test('what was cut off goes on where the registry has it', async () => {
  await upload(content, [
    async (request, registry) => {
      await registry.take(request, 5_000_000);
      return new Response(null, { status: 503 });
    },
  ]);
  assert.deepEqual(uploads.asked.slice(1), [
    'POST ',
    'PATCH 1',
    'GET 1',
    `PATCH 15000000-${content.length - 1}`,
    'PUT 1',
  ]);
  assert.equal(digestOf(uploads.received), digest);
});

test('an upload that the registry has forgotten begins anew', async () => {
  await upload(content, [
    async (_request, registry) => {
      registry.forget();
      return unknown();
    },
  ]);
  assert.deepEqual(uploads.asked.slice(1), ['POST ', 'PATCH 1', 'GET 1', 'POST ', 'PATCH 3', 'PUT 3']);
  assert.ok(uploads.done);
});

test('a registry that fails again and again is given up, with its own words', async () => {
  const denied = async () =>
    Response.json({ errors: [{ code: 'DENIED', message: 'quota exceeded' }] }, { status: 403 });
  await assert.rejects(upload(content.subarray(0, 10), [denied]), /denied: quota exceeded/);
  const broken = async () => new Response(null, { status: 500 });
  await assert.rejects(upload(content.subarray(0, 10), [broken, broken], 2), /500/);
});
