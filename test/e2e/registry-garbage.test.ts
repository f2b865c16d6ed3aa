import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { applyRetention } from '../../packages/registry/src/server/garbage/apply-retention.ts';
import { collectGarbage } from '../../packages/registry/src/server/garbage/collect-garbage.ts';
import { openFileStorage, openRegistry } from '../../packages/registry/src/server/open-registry.ts';
import { checkImage, pushImage, type RegistryImage, randomBlob, registryImage } from '../fixtures/registry-image.ts';
import { useRegistry } from '../harness/registry.ts';

const grace = 30;
const fixture = useRegistry({ grace });
const options = { dryRun: false, uploadLifetime: 60_000 };

function base(): string {
  return `http://${fixture.host}`;
}

function blobCount(): number {
  const blobs = join(fixture.root, 'blobs');
  return readdirSync(blobs, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).length;
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

test('what nothing refers to goes after the grace; what a manifest refers to stays', async () => {
  const shared = randomBlob(1000);
  const kept = registryImage([shared]);
  const deleted = registryImage([shared, randomBlob(1000)]);
  assert.ok(await pushImage(base(), 'gc/kept', { image: kept, tag: 'v1' }));
  assert.ok(await pushImage(base(), 'gc/deleted', { image: deleted, tag: 'v1' }));
  await fixture.fetch('DELETE', `/v2/gc/deleted/manifests/${deleted.digest}`);
  await pause(2 * grace);
  const dry = await collectGarbage(fixture.registry, { ...options, dryRun: true });
  assert.deepEqual({ links: dry.links, blobs: dry.blobs }, { links: 3, blobs: 2 });
  const before = blobCount();
  const collected = await collectGarbage(fixture.registry, options);
  assert.deepEqual(collected, { ...dry, uploads: 0 });
  assert.equal(before - blobCount(), 2);
  assert.deepEqual(await checkImage(base(), 'gc/kept', 'v1'), []);
});

test('an upload that rests too long is ended, one that goes on is not', async () => {
  const old = (await fixture.fetch('POST', '/v2/gc/a/blobs/uploads/')).headers.get('location')!;
  await pause(50);
  const fresh = (await fixture.fetch('POST', '/v2/gc/a/blobs/uploads/')).headers.get('location')!;
  await collectGarbage(fixture.registry, { dryRun: false, uploadLifetime: 40 });
  assert.equal((await fixture.fetch('GET', old)).status, 404);
  assert.equal((await fixture.fetch('GET', fresh)).status, 204);
});

test('50 clients that push and delete, and two collectors: no image is ever broken', async () => {
  // A second server over the same store shares neither locks nor memory with the first.
  const elsewhere = openRegistry(openFileStorage(fixture.root), { ...fixture.registry.policy });
  const layers = Array.from({ length: 8 }, () => randomBlob(5000));
  const present = new Map<string, RegistryImage>();
  let pushes = 0;
  let refused = 0;
  let working = true;
  async function client(index: number): Promise<void> {
    const repository = `crowd/${index % 7}`;
    for (let round = 0; round < 6; round++) {
      const image = registryImage([layers[(index + round) % 8]!, layers[(index * 3 + round) % 8]!]);
      const tag = `t${index}-${round}`;
      if (!(await pushImage(base(), repository, { image, tag }))) {
        refused++;
        continue;
      }
      pushes++;
      if (round % 2 === 0) {
        const answer = await fixture.fetch('DELETE', `/v2/${repository}/manifests/${image.digest}`);
        assert.equal(answer.status, 202);
      } else {
        present.set(`${repository} ${tag}`, image);
        assert.deepEqual(await checkImage(base(), repository, tag), [], `${repository}:${tag} just after its push`);
      }
    }
  }
  let collections = 0;
  async function collector(registry: typeof elsewhere): Promise<void> {
    while (working) {
      await collectGarbage(registry, options);
      await applyRetention(registry, [{ repositories: 'crowd/**', removeUntagged: 1000 }], { dryRun: false });
      collections++;
    }
  }
  const collectors = [collector(fixture.registry), collector(elsewhere)];
  await Promise.all(Array.from({ length: 50 }, (_, index) => client(index)));
  working = false;
  await Promise.all(collectors);
  await pause(2 * grace);
  await collectGarbage(elsewhere, options);
  for (const key of present.keys()) {
    const [repository = '', tag = ''] = key.split(' ');
    assert.deepEqual(await checkImage(base(), repository, tag), [], key);
  }
  assert.ok(pushes > refused, `${pushes} pushes, ${refused} refused since their lease ran out`);
  assert.ok(collections > 2, `${collections} collections`);
});

test('retention: a dry run says what would go, and an immutable tag stays', async () => {
  const images = [0, 1, 2, 3].map(() => registryImage([randomBlob(100)]));
  for (const [index, image] of images.entries()) {
    await pushImage(base(), 'keep/app', { image, tag: `b${index}` });
    await pause(2);
  }
  const rules = [{ repositories: 'keep/*', keepLast: 2, keepTags: ['^b0$'], removeUntagged: 0 }];
  const planned = await applyRetention(fixture.registry, rules, { dryRun: true });
  assert.deepEqual(
    planned.filter(({ tag }) => tag).map(({ tag }) => tag),
    ['b1'],
  );
  assert.equal((await fixture.registry.tags.list('keep/app')).length, 4);
  await pause(2);
  await applyRetention(fixture.registry, rules, { dryRun: false });
  assert.deepEqual(await fixture.registry.tags.list('keep/app'), ['b0', 'b2', 'b3']);
  assert.equal(await fixture.registry.manifests.has('keep/app', images[1]!.digest), false);
  assert.equal(await fixture.registry.manifests.has('keep/app', images[2]!.digest), true);
});
