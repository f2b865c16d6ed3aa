import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { UsersFile } from '../../packages/registry/src/server/access/users-file.ts';
import { collectGarbage } from '../../packages/registry/src/server/garbage/collect-garbage.ts';
import { openRegistry } from '../../packages/registry/src/server/open-registry.ts';
import { defaultPolicy } from '../../packages/registry/src/server/registry-deps.ts';
import type { ServiceConfig } from '../../packages/registry/src/server/registry-service.ts';
import { openS3Storage } from '../../packages/registry/src/server/storage/s3-storage.ts';
import { checkImage, pushImage, randomBlob, registryImage, sha256 } from '../fixtures/registry-image.ts';
import { S3Bucket } from '../fixtures/s3-bucket.ts';
import { bucketSettings } from '../harness/registry.ts';
import { runRegistry } from '../harness/registry-service.ts';

/** Servers over one bucket; what one of them is asked, another answers. */

let bucket: S3Bucket;
before(() => {
  bucket = new S3Bucket();
});
after(() => bucket.close());

function serve(more: Partial<ServiceConfig> = {}) {
  return runRegistry(() => ({ s3: bucketSettings(bucket), ...more }));
}

test('what one server takes, the others have', async () => {
  await using first = await serve();
  await using second = await serve();
  const image = registryImage([randomBlob(12_000_000), randomBlob(100)]);
  for (let index = 0; index < 8; index++) {
    assert.ok(await pushImage(index % 2 ? first.base : second.base, 'team/app', { image, tag: `v${index}` }));
  }
  assert.deepEqual(await checkImage(second.base, 'team/app', 'v1'), []);
  const tags = (await (await fetch(`${first.base}/v2/team/app/tags/list`)).json()) as { tags: string[] };
  assert.equal(tags.tags.length, 8);
  const path = `/v2/team/app/blobs/${sha256(image.blobs[1]!)}`;
  const part = await fetch(second.base + path, { headers: { Range: 'bytes=8388600-8388619' } });
  assert.equal(part.status, 206);
  assert.deepEqual(new Uint8Array(await part.arrayBuffer()), image.blobs[1]!.slice(8_388_600, 8_388_620));
});

test('an upload may go to another server with each request', async () => {
  await using first = await serve();
  await using second = await serve();
  await using third = await serve();
  const bytes = randomBlob(11_000_000);
  const started = await fetch(`${first.base}/v2/team/app/blobs/uploads/`, { method: 'POST' });
  const path = started.headers.get('location')!.replace(first.base, '');
  const cuts = [0, 6_000_000, 6_000_007, bytes.length];
  for (const [index, { base }] of [second, first, third].entries()) {
    const body = bytes.slice(cuts[index], cuts[index + 1]);
    const headers = { 'Content-Range': `${cuts[index]}-${cuts[index + 1]! - 1}` };
    const patched = await fetch(base + path, { method: 'PATCH', headers, body });
    assert.equal(patched.status, 202, await patched.text());
  }
  const wrong = await fetch(`${second.base}${path}`, {
    method: 'PATCH',
    headers: { 'Content-Range': '5-9' },
    body: 'abcde',
  });
  assert.equal(wrong.status, 416);
  const put = await fetch(`${second.base}${path}?digest=${sha256(bytes)}`, { method: 'PUT' });
  assert.equal(put.status, 201, await put.text());
  const got = await fetch(`${third.base}/v2/team/app/blobs/${sha256(bytes)}`);
  assert.equal(sha256(new Uint8Array(await got.arrayBuffer())), sha256(bytes));
});

test('a bucket that is busy is asked again', async () => {
  await using registry = await serve();
  const image = registryImage([randomBlob(10)]);
  bucket.failures = 2;
  assert.ok(await pushImage(registry.base, 'busy/app', { image, tag: 'v1' }));
  assert.equal(bucket.failures, 0);
  assert.deepEqual(await checkImage(registry.base, 'busy/app', 'v1'), []);
});

test('health tells of a bucket that is gone', async () => {
  const other = new S3Bucket();
  await using registry = await runRegistry(() => ({ s3: { ...bucketSettings(other), bucket: 'not-there' } }));
  assert.equal((await fetch(`${registry.base}/healthz`)).status, 503);
  await other.close();
});

test('clients are sent to the bucket for blobs, by an address that is signed', async () => {
  await using registry = await serve({ s3: { ...bucketSettings(bucket), redirect: true } });
  const image = registryImage([randomBlob(500)]);
  assert.ok(await pushImage(registry.base, 'sent/app', { image, tag: 'v1' }));
  const digest = sha256(image.blobs[1]!);
  const answer = await fetch(`${registry.base}/v2/sent/app/blobs/${digest}`, { redirect: 'manual' });
  assert.equal(answer.status, 307);
  const location = new URL(answer.headers.get('location')!);
  assert.equal(location.origin, bucket.endpoint);
  assert.equal(sha256(new Uint8Array(await (await fetch(location)).arrayBuffer())), digest);
  location.searchParams.set('X-Amz-Expires', '90000');
  assert.equal((await fetch(location)).status, 403, 'an address that was changed');
  assert.equal((await fetch(`${registry.base}/v2/sent/app/blobs/${digest}`, { method: 'HEAD' })).status, 200);
  assert.deepEqual(await checkImage(registry.base, 'sent/app', 'v1'), []);
});

test('a token of one server opens the others', async () => {
  let files: Partial<ServiceConfig> = {};
  await using first = await runRegistry(async (directory) => {
    const users = join(directory, 'users');
    await new UsersFile(users).put('dora', 'doras', []);
    files = { s3: bucketSettings(bucket), users, tokens: join(directory, 'tokens') };
    return files;
  });
  await using second = await runRegistry(() => files);
  const authorization = `Basic ${Buffer.from('dora:doras').toString('base64')}`;
  const answer = await fetch(`${first.base}/token`, { headers: { Authorization: authorization } });
  const { token } = (await answer.json()) as { token: string };
  const elsewhere = await fetch(`${second.base}/v2/`, { headers: { Authorization: `Bearer ${token}` } });
  assert.equal(elsewhere.status, 200);
});

test('a cache of a registry whose answers have no length', async () => {
  await using upstream = await serve();
  const image = registryImage([randomBlob(700_000)]);
  assert.ok(await pushImage(upstream.base, 'library/app', { image, tag: 'v1' }));
  const settings = { registry: upstream.host, prefix: 'up', lifetime: 0, username: '', password: '', insecure: true };
  await using cache = await runRegistry(() => ({ upstreams: [settings] }));
  assert.deepEqual(await checkImage(cache.base, 'up/library/app', 'v1'), []);
});

test('the collector takes what nothing refers to, and parts that no object was made of', async () => {
  const own = new S3Bucket();
  const storage = openS3Storage(bucketSettings(own));
  const registry = openRegistry(storage, { ...defaultPolicy, grace: 0 });
  await using server = await runRegistry(() => ({ s3: bucketSettings(own) }));
  const [kept, gone] = [registryImage([randomBlob(100)]), registryImage([randomBlob(100)])];
  for (const image of [kept, gone]) {
    assert.ok(await pushImage(server.base, 'team/app', { image, tag: image === kept ? 'kept' : 'gone' }));
  }
  assert.equal((await fetch(`${server.base}/v2/team/app/manifests/${gone.digest}`, { method: 'DELETE' })).status, 202);
  await fetch(`${server.base}/v2/team/app/blobs/uploads/`, { method: 'POST' });
  own.uploads.set('forgotten', { key: 'registry/uploads/x/data/0', began: Date.now() - 1000, parts: new Map() });
  // Everything was written before this millisecond.
  for (const now = Date.now(); Date.now() === now; ) await new Promise((resolve) => setImmediate(resolve));
  const planned = await collectGarbage(registry, { dryRun: true, uploadLifetime: 0 });
  assert.equal(planned.blobs, 2);
  const collected = await collectGarbage(registry, { dryRun: false, uploadLifetime: 0 });
  assert.equal(collected.blobs, 2);
  assert.equal(collected.uploads, 1);
  assert.equal(own.uploads.size, 0);
  assert.deepEqual(await checkImage(server.base, 'team/app', 'kept'), []);
  const left = [...own.objects.keys()].filter((key) => key.includes(sha256(gone.blobs[1]!).slice(7)));
  assert.deepEqual(left, []);
  await storage.objects.close();
  await own.close();
});
