import assert from 'node:assert/strict';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { watchDirectory } from './directory-watch.ts';

const directory = mkdtempSync(join(tmpdir(), 'wharf-watch-'));
after(() => rmSync(directory, { recursive: true }));

function inotifyDescriptors(): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === 'anon_inode:inotify';
    } catch {
      return false;
    }
  }).length;
}

/** Watches until as many names were told. */
async function told(path: string, count: number, change: () => void): Promise<(string | undefined)[]> {
  const names: (string | undefined)[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  using _watch = watchDirectory(path, (name) => {
    names.push(name);
    if (names.length === count) resolve();
  });
  change();
  await promise;
  return names;
}

test('tells what is made, written, renamed and removed in a directory', async () => {
  const [a, b] = [join(directory, 'a'), join(directory, 'b')];
  assert.deepEqual(await told(directory, 1, () => mkdirSync(a)), ['a']);
  writeFileSync(b, '');
  assert.deepEqual(await told(directory, 1, () => appendFileSync(b, 'x')), ['b']);
  assert.deepEqual(await told(directory, 2, () => renameSync(b, join(directory, 'c'))), ['b', 'c']);
  assert.deepEqual(await told(directory, 1, () => rmSync(join(directory, 'c'))), ['c']);
});

test('many watches share their descriptor, and the last takes it along', async () => {
  const before = inotifyDescriptors();
  const places = Array.from({ length: 200 }, (_, index) => join(directory, `many${index}`));
  for (const place of places) mkdirSync(place);
  const heard: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const watches = [...places, places[0]!].map((place) =>
    watchDirectory(place, () => {
      heard.push(place);
      if (heard.length === places.length + 1) resolve();
    }),
  );
  assert.ok(inotifyDescriptors() <= before + 2);
  for (const place of places) mkdirSync(join(place, 'new'));
  await promise;
  for (const watch of watches) watch[Symbol.dispose]();
  while (inotifyDescriptors() > before) await new Promise((done) => setImmediate(done));
  assert.deepEqual([...new Set(heard)].sort(), [...places].sort());
});

test('a directory that is not there', () => {
  assert.throws(() => watchDirectory(join(directory, 'gone'), () => {}), { code: 'ENOENT' });
});
