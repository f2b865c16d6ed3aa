import assert from 'node:assert/strict';
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { openDatabase } from '../metadata/database.ts';
import { DriverVolumeStore } from './driver-volume-store.ts';
import { parseMountOptions } from './volume-options.ts';

const empty = { name: '', driver: '', driverOpts: {}, labels: {} };

function fixture() {
  const directory = mkdtempSync(join(tmpdir(), 'wharf-volumes-'));
  const open = () => {
    const database = openDatabase(join(directory, 'meta.db'));
    return {
      database,
      store: new DriverVolumeStore({ database, directory: join(directory, 'volumes'), logger: { warn() {} } }),
    };
  };
  const { database, store } = open();
  return {
    directory,
    store,
    reopen: () => {
      database.close();
      return open();
    },
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  };
}

describe('local volumes', () => {
  test('create is idempotent, and another driver is a conflict', async () => {
    using f = fixture();
    const first = await f.store.create({ ...empty, name: 'data', labels: { a: 'b' } });
    assert.deepEqual(await f.store.create({ ...empty, name: 'data' }), first);
    await assert.rejects(f.store.create({ ...empty, name: 'data', driver: 'nfs' }), { code: 'conflict' });
  });

  const refused: [name: string, options: Record<string, string>, message: RegExp][] = [
    ['x', {}, /^create x: volume name is too short, names should be at least two alphanumeric characters$/],
    ['../up', {}, /^create ..\/up: "..\/up" includes invalid characters for a local volume name, only /],
    ['good', { nope: '1' }, /^create good: invalid option: "nope"$/],
    ['good', { type: 'tmpfs' }, /^create good: missing required option: "device"$/],
    ['good', { o: 'ro' }, /^create good: missing required option: "device"$/],
  ];
  for (const [name, driverOpts, message] of refused) {
    test(`create refuses ${name} ${JSON.stringify(driverOpts)}, and leaves nothing`, async () => {
      using f = fixture();
      await assert.rejects(f.store.create({ ...empty, name, driverOpts }), { code: 'invalid_argument', message });
      assert.equal(f.store.volumes().length, 0);
      assert.equal(existsSync(join(f.directory, 'volumes')), false);
    });
  }

  test('a volume in use cannot be removed, and its users survive a restart', async () => {
    using f = fixture();
    await f.store.create({ ...empty, name: 'data' });
    f.store.reference('data', 'c1');
    const { store } = f.reopen();
    await assert.rejects(store.remove('data', { force: true }), { message: 'remove data: volume is in use - [c1]' });
    await store.reconcile(new Set(), new Set());
    await store.remove('data', { force: false });
    await assert.rejects(async () => store.get('data'), { message: 'get data: no such volume' });
    await assert.rejects(store.remove('data', { force: false }), { code: 'not_found' });
    await store.remove('data', { force: true });
  });

  test('copy-up takes owners and links along, resolves inside the root, and only fills an empty volume', async () => {
    using f = fixture();
    const root = join(f.directory, 'root');
    mkdirSync(join(root, 'srv/www'), { recursive: true });
    writeFileSync(join(root, 'srv/www/index'), 'one');
    chownSync(join(root, 'srv/www/index'), 7, 8);
    chownSync(join(root, 'srv/www'), 9, 9);
    symlinkSync('/srv/www', join(root, 'www'));
    const { mountpoint } = await f.store.create({ ...empty, name: 'data' });
    await f.store.copyUp('data', root, '/www');
    assert.equal(readFileSync(join(mountpoint, 'index'), 'utf8'), 'one');
    assert.equal(statSync(join(mountpoint, 'index')).uid, 7);
    assert.equal(statSync(mountpoint).gid, 9);
    writeFileSync(join(root, 'srv/www/index'), 'two');
    await f.store.copyUp('data', root, '/www');
    assert.equal(readFileSync(join(mountpoint, 'index'), 'utf8'), 'one');
    assert.equal(await f.store.usage('data'), 3);
  });

  test('a tmpfs device is mounted for the first user and unmounted after the last', async () => {
    using f = fixture();
    const driverOpts = { type: 'tmpfs', device: 'tmpfs', o: 'size=1m,noexec' };
    const { mountpoint } = await f.store.create({ ...empty, name: 'data', driverOpts });
    const isMounted = () => readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${mountpoint} `);
    await f.store.mount('data', 'c1');
    await f.store.mount('data', 'c2');
    await f.store.unmount('data', 'c1');
    assert.equal(isMounted(), true);
    await f.store.unmount('data', 'c2');
    assert.equal(isMounted(), false);
  });
});

test('mount options are split into flags and data', () => {
  const rows: [string, number, string][] = [
    ['', 0, ''],
    ['bind', 4096, ''],
    ['rbind,ro', 4096 | 16384 | 1, ''],
    ['ro,rw,uid=3', 0, 'uid=3'],
    ['addr=10.0.0.1,nosuid,vers=4', 2, 'addr=10.0.0.1,vers=4'],
    ['constructor', 0, 'constructor'],
  ];
  for (const [text, flags, data] of rows) assert.deepEqual(parseMountOptions(text), { flags, data });
});
