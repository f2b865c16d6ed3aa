import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { UsersFile } from '../../packages/registry/src/server/access/users-file.ts';
import type { UpstreamConfig } from '../../packages/registry/src/server/registry-service.ts';
import { checkImage, manifestType, pushImage, randomBlob, registryImage, sha256 } from '../fixtures/registry-image.ts';
import { type RunningRegistry, runRegistry } from '../harness/registry-service.ts';

function cacheOf(upstream: RunningRegistry, more: Partial<UpstreamConfig> = {}): Promise<RunningRegistry> {
  const settings = { registry: upstream.host, prefix: 'up', lifetime: 0, username: '', password: '', insecure: true };
  return runRegistry(() => ({ upstreams: [{ ...settings, ...more }] }));
}

async function countRequests(registry: RunningRegistry, labels: string): Promise<number> {
  const metrics = await (await fetch(`${registry.base}/metrics`)).text();
  const line = metrics.split('\n').find((candidate) => candidate.startsWith(`registry_http_requests_total{${labels}}`));
  return Number(line?.split(' ')[1] ?? 0);
}

test('what another registry has is fetched once, kept, and served when the other is gone', async () => {
  const upstream = await runRegistry();
  await using cache = await cacheOf(upstream);
  const image = registryImage([randomBlob(3_000_000), randomBlob(50)]);
  assert.ok(await pushImage(upstream.base, 'library/app', { image, tag: 'v1' }));
  const pulls = Array.from({ length: 20 }, () => checkImage(cache.base, 'up/library/app', 'v1'));
  assert.deepEqual((await Promise.all(pulls)).flat(), []);
  assert.equal(await countRequests(upstream, 'method="GET",kind="blob",status="200"'), 3, 'each blob once');
  const tags = await fetch(`${cache.base}/v2/up/library/app/tags/list`);
  assert.deepEqual(((await tags.json()) as { tags: string[] }).tags, ['v1']);
  await upstream[Symbol.asyncDispose]();
  assert.deepEqual(await checkImage(cache.base, 'up/library/app', 'v1'), []);
});

test('a tag that moved is followed', async () => {
  await using upstream = await runRegistry();
  await using cache = await cacheOf(upstream);
  for (const name of ['one', 'two']) {
    const image = registryImage([randomBlob(10)], name);
    assert.ok(await pushImage(upstream.base, 'app', { image, tag: 'latest' }));
    const head = await fetch(`${cache.base}/v2/up/app/manifests/latest`, { headers: { Accept: manifestType } });
    assert.equal(head.headers.get('docker-content-digest'), image.digest, name);
  }
});

test('containerd’s `ns` says which registry is meant', async () => {
  await using upstream = await runRegistry();
  await using cache = await cacheOf(upstream);
  const image = registryImage([randomBlob(10)]);
  assert.ok(await pushImage(upstream.base, 'library/app', { image, tag: 'v1' }));
  const url = `${cache.base}/v2/library/app/manifests/v1?ns=${upstream.host}`;
  assert.equal((await fetch(url, { headers: { Accept: manifestType } })).status, 200);
  assert.equal((await fetch(url.split('?')[0]!)).status, 404);
});

test('own repositories go on beside the cache, which takes no pushes', async () => {
  await using upstream = await runRegistry();
  await using cache = await cacheOf(upstream);
  const image = registryImage([randomBlob(10)]);
  assert.ok(await pushImage(cache.base, 'own/app', { image, tag: 'v1' }));
  assert.deepEqual(await checkImage(cache.base, 'own/app', 'v1'), []);
  const refused = await fetch(`${cache.base}/v2/up/app/blobs/uploads/`, { method: 'POST' });
  assert.equal(refused.status, 405);
});

test('unknown images and credentials that do not do are told as what they are', async () => {
  await using upstream = await runRegistry(async (directory) => {
    const users = join(directory, 'users');
    await new UsersFile(users).put('reader', 'secret', []);
    return { users, tokens: join(directory, 'tokens') };
  });
  const authorization = `Basic ${Buffer.from('reader:secret').toString('base64')}`;
  const image = registryImage([randomBlob(10)]);
  await pushImage(upstream.base, 'app', { image, tag: 'v1', headers: { Authorization: authorization } });
  await using known = await cacheOf(upstream, { username: 'reader', password: 'secret' });
  assert.deepEqual(await checkImage(known.base, 'up/app', 'v1'), []);
  assert.equal((await fetch(`${known.base}/v2/up/app/manifests/v2`)).status, 404);
  await using unknown = await cacheOf(upstream);
  assert.equal((await fetch(`${unknown.base}/v2/up/app/manifests/v1`)).status, 403);
});

test('a blob that arrives damaged is not kept, and no client takes it for whole', async () => {
  const blob = randomBlob(600_000);
  const digest = sha256(blob);
  let damage: 'bytes' | 'cut' | undefined = 'bytes';
  const liar = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch(request) {
      if (new URL(request.url).pathname === '/v2/') return new Response('{}');
      const sent = blob.slice();
      if (damage === 'bytes') sent[300_000]! ^= 1;
      return new Response(damage === 'cut' ? sent.slice(0, 500_000) : sent);
    },
  });
  const host = `127.0.0.1:${liar.port}`;
  const settings = { registry: host, prefix: 'up', lifetime: 0, username: '', password: '', insecure: true };
  await using cache = await runRegistry(() => ({ upstreams: [settings] }));
  const path = `${cache.base}/v2/up/app/blobs/${digest}`;
  // A connection that was broken off must not serve the next request.
  const get = () => fetch(path, { keepalive: false });
  for (damage of ['bytes', 'cut'] as const) {
    const taken = await get()
      .then(async (response) => (response.ok ? sha256(new Uint8Array(await response.arrayBuffer())) : 'refused'))
      .catch(() => 'broken off');
    assert.notEqual(taken, digest, damage);
    if (damage === 'bytes') assert.equal(taken, 'broken off');
  }
  damage = undefined;
  const whole = await get().then(async (response) => sha256(new Uint8Array(await response.arrayBuffer())));
  assert.equal(whole, digest);
  await liar.stop(true);
});
