import assert from 'node:assert/strict';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { silentLogger } from '@wharf/base/logger';
import { openDatabase } from '../metadata/database.ts';
import { fill, openTestDisk } from '../test-disk.ts';
import { DriverVolumeStore } from './driver-volume-store.ts';

const disk = openTestDisk();
after(() => disk[Symbol.dispose]());

describe('a volume with a size', { skip: disk.skip }, () => {
  const database = openDatabase(join(disk.directory, 'meta.db'));
  const store = () => new DriverVolumeStore({ database, directory: disk.path, logger: silentLogger });
  const request = { driver: 'local', labels: {} };
  after(() => database.close());

  test('holds so much and no more, in all that is below it', async () => {
    const { mountpoint } = await store().create({ ...request, name: 'small', driverOpts: { size: '1m' } });
    mkdirSync(join(mountpoint, 'a/b'), { recursive: true });
    assert.equal(fill(join(mountpoint, 'a/b/fits'), 512), 512);
    const rest = fill(join(mountpoint, 'a/more'), 768);
    assert.ok(rest > 256 && rest <= 512, `${rest} KiB`);
  });

  test('leaves others alone, and each has its own', async () => {
    const other = await store().create({ ...request, name: 'other', driverOpts: { size: '1m' } });
    assert.equal(fill(join(other.mountpoint, 'fits'), 768), 768);
    const free = await store().create({ ...request, name: 'free', driverOpts: {} });
    assert.equal(fill(join(free.mountpoint, 'large'), 4096), 4096);
  });

  test('goes with its files', async () => {
    for (const name of ['small', 'other', 'free']) await store().remove(name, { force: false });
    assert.deepEqual(readdirSync(disk.path), ['lost+found']);
  });
});

test('a size is refused where there are no quotas, and leaves nothing', async () => {
  const database = openDatabase(join(disk.directory, 'none.db'));
  const volumes = join(disk.directory, 'volumes');
  const store = new DriverVolumeStore({ database, directory: volumes, logger: silentLogger });
  const ask = (driverOpts: Record<string, string>) =>
    store.create({ name: 'sized', driver: 'local', labels: {}, driverOpts });
  await assert.rejects(ask({ size: '1m' }), { message: 'create sized: quota size requested but no quota support' });
  await assert.rejects(ask({ size: 'x' }), { message: "create sized: invalid size: 'x'" });
  await assert.rejects(ask({ size: '1m', type: 'tmpfs', device: 'tmpfs' }), { message: /not a device/ });
  assert.deepEqual(readdirSync(volumes), []);
  database.close();
});
