import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { silentLogger } from '@wharf/base/logger';
import { openDatabase } from '../metadata/database.ts';
import { DriverVolumeStore } from './driver-volume-store.ts';

const directory = mkdtempSync(join(tmpdir(), 'wharf-volume-size-'));
const disk = join(directory, 'disk');

/** Many kernels have no project quotas; the tests of cgroup v2 boot one that has. */
function mountWithQuotas(): boolean {
  const image = join(directory, 'image');
  execFileSync('truncate', ['-s', '64M', image]);
  execFileSync('mkfs.ext4', ['-q', '-O', 'quota,project', '-E', 'quotatype=prjquota', image]);
  mkdirSync(disk);
  return spawnSync('mount', ['-o', 'loop,prjquota', image, disk]).status === 0;
}

/** Writes as containers do: without CAP_SYS_RESOURCE, which no quota binds. How much got there, in KiB. */
function fill(path: string, kibibytes: number): number {
  const writing = ['dd', 'if=/dev/zero', `of=${path}`, 'bs=1k', `count=${kibibytes}`, 'status=none'];
  spawnSync('setpriv', ['--bounding-set', '-sys_resource', ...writing]);
  return statSync(path).size >> 10;
}

const isMounted = mountWithQuotas();
after(() => {
  if (isMounted) execFileSync('umount', [disk]);
  rmSync(directory, { recursive: true });
});

describe('a volume with a size', { skip: isMounted ? false : 'this kernel has no project quotas' }, () => {
  const database = isMounted ? openDatabase(join(directory, 'meta.db')) : undefined;
  const store = () => new DriverVolumeStore({ database: database!, directory: disk, logger: silentLogger });
  const request = { driver: 'local', labels: {} };
  after(() => database?.close());

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
    assert.deepEqual(readdirSync(disk), ['lost+found']);
  });
});

test('a size is refused where there are no quotas, and leaves nothing', async () => {
  using database = { value: openDatabase(join(directory, 'none.db')), [Symbol.dispose]: () => {} };
  const volumes = join(directory, 'volumes');
  const store = new DriverVolumeStore({ database: database.value, directory: volumes, logger: silentLogger });
  const ask = (driverOpts: Record<string, string>) =>
    store.create({ name: 'sized', driver: 'local', labels: {}, driverOpts });
  await assert.rejects(ask({ size: '1m' }), { message: 'create sized: quota size requested but no quota support' });
  await assert.rejects(ask({ size: 'x' }), { message: "create sized: invalid size: 'x'" });
  await assert.rejects(ask({ size: '1m', type: 'tmpfs', device: 'tmpfs' }), { message: /not a device/ });
  assert.deepEqual(readdirSync(volumes), []);
  database.value.close();
});
