import assert from 'node:assert/strict';
import { lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { bindInRoot, bindMount, mount, unmount, unmountAll } from './mount.ts';
import { openRoot } from './safe-path.ts';

function withDirectory(body: (directory: string) => void): void {
  const directory = mkdtempSync(join(tmpdir(), 'wharf-mount-'));
  try {
    body(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test('mount: a tmpfs comes and goes, stacked ones all at once', () =>
  withDirectory((directory) => {
    for (let i = 0; i < 2; i++) mount({ source: 'tmpfs', target: directory, type: 'tmpfs', data: 'size=64k' });
    writeFileSync(join(directory, 'inside'), 'x');
    unmountAll(directory);
    assert.equal(lstatSync(join(directory, 'inside'), { throwIfNoEntry: false }), undefined);
    unmountAll(directory);
    assert.throws(() => unmount(directory), { code: 'EINVAL' });
  }));

test('mount: a read-only bind refuses writing', () =>
  withDirectory((directory) => {
    const [source, target] = [join(directory, 'source'), join(directory, 'target')];
    mkdirSync(source);
    mkdirSync(target);
    bindMount(source, target, { readOnly: true });
    try {
      assert.throws(() => writeFileSync(join(target, 'x'), ''), { code: 'EROFS' });
    } finally {
      unmount(target);
    }
  }));

test('mount: CVE-2017-1002101: a subpath cannot lead out of its volume; it may be a file', () =>
  withDirectory((directory) => {
    const volume = join(directory, 'volume');
    mkdirSync(join(volume, 'etc'), { recursive: true });
    writeFileSync(join(volume, 'etc/hostname'), 'inside');
    symlinkSync('/etc/hostname', join(volume, 'link'));
    symlinkSync('/proc/self/root/etc', join(volume, 'magic'));
    using root = openRoot(volume);
    const target = join(directory, 'target');
    bindInRoot(root, 'link', target);
    try {
      assert.equal(readFileSync(target, 'utf8'), 'inside');
    } finally {
      unmount(target);
    }
    assert.throws(() => bindInRoot(root, 'magic', join(directory, 'other')), { code: 'ENOENT' });
  }));
