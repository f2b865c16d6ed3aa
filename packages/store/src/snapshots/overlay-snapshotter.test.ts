import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { unmountAll } from '@wharf/sys/mount';
import { mountOverlay } from '@wharf/sys/overlay';
import { openDatabase } from '../metadata/database.ts';
import { OverlaySnapshotter } from './overlay-snapshotter.ts';

function fixture(layers: number) {
  const dataRoot = mkdtempSync(join(tmpdir(), 'wharf-snapshots-'));
  const diffIds = Array.from({ length: layers }, (_, index) => {
    const hex = index.toString(16).padStart(64, '0');
    mkdirSync(join(dataRoot, 'layers', hex), { recursive: true });
    writeFileSync(join(dataRoot, 'layers', hex, 'same'), String(index));
    writeFileSync(join(dataRoot, 'layers', hex, `layer-${index}`), '');
    return `sha256:${hex}`;
  });
  const database = openDatabase(join(dataRoot, 'meta.db'));
  const open = () => new OverlaySnapshotter({ database, dataRoot });
  return {
    dataRoot,
    diffIds,
    open,
    [Symbol.dispose]() {
      for (const id of readdirSync(join(dataRoot, 'snapshots'))) unmountAll(join(dataRoot, 'snapshots', id, 'root'));
      rmSync(dataRoot, { recursive: true, force: true });
    },
  };
}

describe('overlay snapshots', () => {
  for (const layers of [0, 1, 3, 120]) {
    test(`${layers} layers are stacked, the last on top, and writes stay above`, async () => {
      using f = fixture(layers);
      const snapshots = f.open();
      if (layers > 0) chmodSync(join(f.dataRoot, 'layers', f.diffIds.at(-1)!.slice(7)), 0o711);
      await snapshots.prepare('c1', f.diffIds);
      const root = await snapshots.mount('c1');
      if (layers > 0) {
        assert.equal(readFileSync(join(root, 'same'), 'utf8'), String(layers - 1));
        assert.equal(statSync(root).mode & 0o777, 0o711);
      }
      writeFileSync(join(root, 'new'), '12345');
      assert.equal(await snapshots.usage('c1'), 5);
      await snapshots.unmount('c1');
      assert.equal(existsSync(join(root, 'new')), false);
    });
  }

  test('a volatile snapshot can be mounted again', async () => {
    using f = fixture(1);
    const snapshots = f.open();
    await snapshots.prepare('c1', f.diffIds, { volatile: true });
    writeFileSync(join(await snapshots.mount('c1'), 'kept'), '');
    await snapshots.unmount('c1');
    assert.equal(existsSync(join(await snapshots.mount('c1'), 'kept')), true);
  });

  test('a restart finds mounted snapshots, and removes those without an owner', async () => {
    using f = fixture(1);
    await f.open().prepare('kept', f.diffIds);
    await f.open().prepare('orphan', f.diffIds);
    const root = await f.open().mount('kept');
    const orphan = await f.open().mount('orphan');
    mkdirSync(join(f.dataRoot, 'snapshots', 'half-made'));
    const snapshots = f.open();
    await snapshots.reconcile(new Set(['kept']));
    assert.equal(await snapshots.mount('kept'), root);
    assert.equal(existsSync(join(root, 'same')), true);
    assert.equal(existsSync(orphan), false);
    assert.deepEqual(readdirSync(join(f.dataRoot, 'snapshots')), ['kept']);
    await snapshots.remove('kept');
    await snapshots.remove('kept');
    assert.throws(() => snapshots.mounts('kept'), { code: 'not_found' });
  });

  test('the kernel tells which layer is missing', () => {
    using f = fixture(1);
    const request = { upperDir: f.dataRoot, workDir: f.dataRoot, target: f.dataRoot, volatile: false };
    f.open();
    assert.throws(
      () => mountOverlay({ ...request, lowerDirs: [join(f.dataRoot, 'absent')] }),
      /absent: no such file or directory/,
    );
  });
});
