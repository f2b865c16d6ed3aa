import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { layerDirectory } from '../layers/layer-directory.ts';
import { openDatabase } from '../metadata/database.ts';
import { fill, openTestDisk } from '../test-disk.ts';
import { OverlaySnapshotter } from './overlay-snapshotter.ts';

const disk = openTestDisk();
after(() => disk[Symbol.dispose]());
const layer = `sha256:${'a'.repeat(64)}`;

function openSnapshotter(dataRoot: string, defaultSize = 0) {
  const database = openDatabase(join(disk.directory, `${dataRoot.length}.db`));
  mkdirSync(layerDirectory(dataRoot, layer), { recursive: true });
  return { database, snapshotter: new OverlaySnapshotter({ database, dataRoot, defaultSize }) };
}

describe('a writable layer with a size', { skip: disk.skip }, () => {
  test('is what containers have that say nothing else', async () => {
    const { database, snapshotter } = openSnapshotter(disk.path, 1 << 20);
    await snapshotter.prepare('default', [layer]);
    await snapshotter.prepare('larger', [layer], { size: 8 << 20 });
    assert.ok(fill(join(await snapshotter.mount('default'), 'f'), 4096) <= 1024);
    assert.equal(fill(join(await snapshotter.mount('larger'), 'f'), 4096), 4096);
    for (const id of ['default', 'larger']) await snapshotter.remove(id);
    database.close();
  });

  test('holds so much and no more, and others are free', async () => {
    const { database, snapshotter } = openSnapshotter(disk.path);
    await snapshotter.prepare('limited', [layer], { size: 1 << 20 });
    await snapshotter.prepare('free', [layer]);
    const root = await snapshotter.mount('limited');
    mkdirSync(join(root, 'a'));
    assert.equal(fill(join(root, 'a/fits'), 512), 512);
    const rest = fill(join(root, 'more'), 768);
    assert.ok(rest > 256 && rest <= 512, `${rest} KiB`);
    assert.equal(fill(join(await snapshotter.mount('free'), 'large'), 4096), 4096);
    for (const id of ['limited', 'free']) await snapshotter.remove(id);
    assert.equal(existsSync(join(disk.path, 'snapshots/limited')), false);
    database.close();
  });
});

test('a size is refused where there are no quotas, and leaves nothing', async () => {
  const dataRoot = join(disk.directory, 'elsewhere');
  const { database, snapshotter } = openSnapshotter(dataRoot);
  const message = "--storage-opt is supported only for overlay over xfs with 'pquota' mount option";
  await assert.rejects(snapshotter.prepare('limited', [layer], { size: 1 << 20 }), { message });
  assert.equal(existsSync(join(dataRoot, 'snapshots/limited')), false);
  database.close();
  assert.throws(() => openSnapshotter(dataRoot, 1 << 20), { message: /^Storage Option overlay2.size only supported/ });
});
