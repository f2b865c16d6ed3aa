import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { digestOf } from '@wharf/oci/digest-of';
import { openDirectory } from '@wharf/sys/file';
import { cString } from '@wharf/sys/syscall';
import { getXattrAt } from '@wharf/sys/xattr';
import { copyLayer } from './copy-layer.ts';
import { assembleLayer } from './layer-assembler.ts';
import { LayerUnpacker } from './layer-unpacker.ts';
import { sealLayer } from './seal-layer.ts';
import { tarOf } from './tar-fixture.ts';

class Fixture {
  readonly outside = mkdtempSync(join(tmpdir(), 'wharf-layer-'));
  readonly base = join(this.outside, 'base');
  readonly root = join(this.base, 'diff');

  constructor() {
    mkdirSync(this.base);
    writeFileSync(join(this.outside, 'victim'), 'untouched', { mode: 0o600 });
  }

  unpack(tar: Buffer, step = tar.length) {
    const unpacker = new LayerUnpacker(this.base);
    try {
      for (let offset = 0; offset < tar.length; offset += step) unpacker.feed(tar.subarray(offset, offset + step));
      return unpacker.end();
    } catch (error) {
      unpacker.abort();
      throw error;
    }
  }

  assemble(): Buffer {
    const layer = join(this.outside, 'layer');
    renameSync(this.root, layer);
    return Buffer.concat([...assembleLayer({ layer, tar: this.base })]);
  }

  xattr(path: string, name: string): string | undefined {
    const directory = openDirectory(cString(this.root));
    return getXattrAt(directory, cString(path), cString(name))?.toString('latin1');
  }

  /** Nothing beside the layer was made, changed or removed. */
  assertContained(): void {
    assert.deepEqual(readdirSync(this.outside).sort(), ['base', 'victim']);
    assert.equal(readFileSync(join(this.outside, 'victim'), 'utf8'), 'untouched');
    assert.equal(lstatSync(join(this.outside, 'victim')).mode & 0o7777, 0o600);
  }

  [Symbol.dispose](): void {
    rmSync(this.outside, { recursive: true, force: true });
  }
}

const isWhiteout = (path: string) => lstatSync(path).isCharacterDevice() && lstatSync(path).rdev === 0;

describe('unpacking a layer', () => {
  test('keeps owners, modes, times, links, devices and attributes', () => {
    using f = new Fixture();
    const capability = Buffer.from([1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    const tar = tarOf(
      { type: 'directory', name: './', mode: 0o711, mtime: 1_000_000_001n },
      { type: 'directory', name: 'bin', mode: 0o755, uid: 7, gid: 8, mtime: 1_500_000_000_000_000_005n },
      {
        type: 'file',
        name: 'bin/su',
        mode: 0o4755,
        uid: 1000,
        gid: 1001,
        mtime: 1_600_000_000_123_456_789n,
        content: 'su',
        xattrs: new Map([
          ['security.capability', capability],
          ['user.note', Buffer.from('hi')],
        ]),
      },
      { type: 'link', name: 'hard', linkName: 'bin/su' },
      { type: 'symlink', name: 'soft', linkName: '/bin/su', uid: 5, gid: 6, mtime: 7_000_000_000n },
      { type: 'character', name: 'dev/null', mode: 0o666, deviceMajor: 1, deviceMinor: 3 },
      { type: 'block', name: 'dev/disk', mode: 0o600, deviceMajor: 259, deviceMinor: 300 },
      { type: 'fifo', name: 'dev/pipe', mode: 0o622 },
    );
    for (const step of [tar.length]) assert.equal(f.unpack(tar, step).diffId, digestOf(tar));
    const at = (name: string) => lstatSync(join(f.root, name), { bigint: true });
    assert.equal(at('').mode & 0o7777n, 0o711n);
    assert.deepEqual([at('bin').uid, at('bin').gid, at('bin').mtimeNs], [7n, 8n, 1_500_000_000_000_000_005n]);
    assert.deepEqual(
      [at('bin/su').mode & 0o7777n, at('bin/su').uid, at('bin/su').gid, at('bin/su').mtimeNs],
      [0o4755n, 1000n, 1001n, 1_600_000_000_123_456_789n],
    );
    assert.equal(f.xattr('bin/su', 'security.capability'), capability.toString('latin1'));
    assert.equal(f.xattr('bin/su', 'user.note'), 'hi');
    assert.equal(at('hard').ino, at('bin/su').ino);
    assert.deepEqual([at('soft').uid, at('soft').mtimeNs], [5n, 7_000_000_000n]);
    assert.equal(readlinkSync(join(f.root, 'soft')), '/bin/su');
    assert.equal(at('dev/null').rdev, (1n << 8n) | 3n);
    assert.ok(at('dev/disk').isBlockDevice() && at('dev/pipe').isFIFO());
    assert.equal(
      execFileSync('stat', ['-c', '%t:%T', join(f.root, 'dev/disk')], { encoding: 'utf8' }).trim(),
      '103:12c',
    );
    assert.equal(at('dev').mode & 0o7777n, 0o755n);
  });

  test('makes the same tar again, in whatever pieces it came', () => {
    const members = Array.from({ length: 300 }, (_, index) => ({
      type: 'file' as const,
      name: `d${index % 7}/f${index}`,
      content: 'c'.repeat(index * 37),
    }));
    const tar = Buffer.concat([tarOf(...members), Buffer.alloc(10240, 0)]);
    for (const step of [tar.length, 1000, 4096]) {
      using f = new Fixture();
      assert.deepEqual(f.unpack(tar, step), {
        diffId: digestOf(tar),
        tarSize: tar.length,
        size: members.reduce((sum, { content }) => sum + content.length, 0),
      });
      assert.ok(f.assemble().equals(tar));
    }
  });

  test('makes the same tar again where members replace one another', () => {
    using f = new Fixture();
    const tar = tarOf(
      { type: 'file', name: 'a', content: 'first' },
      { type: 'link', name: 'keeps-first', linkName: 'a' },
      { type: 'file', name: 'a', content: 'second' },
      { type: 'file', name: 'd/x/y', content: 'in a directory' },
      { type: 'file', name: 'd', content: 'now a file' },
      { type: 'symlink', name: 's', linkName: 'a' },
      { type: 'file', name: 's', content: 'not through the link' },
      { type: 'file', name: 'a', content: 'third' },
    );
    f.unpack(tar);
    const text = (name: string) => readFileSync(join(f.root, name), 'utf8');
    assert.deepEqual(
      [text('a'), text('keeps-first'), text('d'), text('s')],
      ['third', 'first', 'now a file', 'not through the link'],
    );
    assert.ok(f.assemble().equals(tar));
  });

  test('assembling notices a file that is gone or short', () => {
    using f = new Fixture();
    f.unpack(tarOf({ type: 'file', name: 'a', content: 'content' }));
    writeFileSync(join(f.root, 'a'), 'cut');
    assert.throws(() => f.assemble(), { code: 'data_loss' });
  });

  test('names need not be UTF-8', () => {
    using f = new Fixture();
    const tar = tarOf({ type: 'file', name: 'd\xe9/\xff\xfe', content: 'x' });
    f.unpack(tar);
    assert.deepEqual([...readdirSync(join(f.root), { encoding: 'buffer' })[0]!], [0x64, 0xe9]);
    assert.ok(f.assemble().equals(tar));
  });

  test('whiteouts become overlayfs devices and opaque directories', () => {
    using f = new Fixture();
    f.unpack(
      tarOf(
        { type: 'file', name: 'etc/.wh.gone' },
        { type: 'directory', name: 'var' },
        { type: 'file', name: 'var/.wh..wh..opq' },
        { type: 'file', name: 'var/own', content: 'x' },
        // A whiteout hides lower layers only: what this layer brings stays, in either order.
        { type: 'file', name: 'kept', content: 'x' },
        { type: 'file', name: '.wh.kept' },
        { type: 'file', name: 'before/inside', content: 'x' },
        { type: 'file', name: '.wh.before' },
        { type: 'file', name: '.wh.after' },
        { type: 'file', name: 'after/inside', content: 'x' },
        { type: 'file', name: '.wh..wh.plnk/1.2', content: 'x' },
        { type: 'file', name: '.wh..wh.aufs' },
      ),
    );
    assert.ok(isWhiteout(join(f.root, 'etc/gone')));
    assert.deepEqual(readdirSync(join(f.root, 'var')), ['own']);
    assert.equal(readFileSync(join(f.root, 'kept'), 'utf8'), 'x');
    for (const name of ['var', 'before', 'after']) assert.equal(f.xattr(name, 'trusted.overlay.opaque'), 'y', name);
    assert.equal(f.xattr('etc', 'trusted.overlay.opaque'), undefined);
    assert.ok(!existsSync(join(f.root, '.wh..wh.aufs')));
  });

  test('many directories are open one after another, not at once', () => {
    using f = new Fixture();
    const members = Array.from({ length: 600 }, (_, index) => ({
      type: 'file' as const,
      name: `d${index}/f`,
      content: 'x',
    }));
    f.unpack(
      tarOf(...members, ...members.map(({ name }) => ({ type: 'link' as const, name: `${name}2`, linkName: name }))),
    );
    assert.equal(lstatSync(join(f.root, 'd599/f2')).nlink, 2);
  });
});

describe('a hostile layer stays inside', () => {
  const contained: [what: string, tar: Buffer, found: string | undefined][] = [
    ['absolute names', tarOf({ type: 'file', name: '/victim', content: 'x' }), 'victim'],
    [
      'a link to the root as parent (CVE-2018-15664)',
      tarOf(
        { type: 'directory', name: 'victim' },
        { type: 'symlink', name: 'l', linkName: '/' },
        { type: 'file', name: 'l/victim/f', content: 'x' },
      ),
      'victim/f',
    ],
    [
      'a link upwards as parent',
      tarOf({ type: 'symlink', name: 'l', linkName: '../../..' }, { type: 'file', name: 'l/f', content: 'x' }),
      'f',
    ],
    [
      'a chain of links',
      tarOf(
        { type: 'directory', name: 'real' },
        { type: 'symlink', name: 'a', linkName: '../../real' },
        { type: 'symlink', name: 'b', linkName: '/a/../a' },
        { type: 'file', name: 'b/f', content: 'x' },
      ),
      'real/f',
    ],
    [
      'a file over a link to the victim',
      tarOf(
        { type: 'symlink', name: 'f', linkName: '../../victim' },
        { type: 'file', name: 'f', content: 'x', mode: 0o777 },
      ),
      'f',
    ],
    [
      'a directory over a link to a directory outside',
      tarOf(
        { type: 'symlink', name: 'd', linkName: '../..' },
        { type: 'directory', name: 'd', mode: 0o777 },
        { type: 'file', name: 'd/victim', content: 'x' },
      ),
      'd/victim',
    ],
    [
      'an opaque whiteout through a link',
      tarOf({ type: 'symlink', name: 'd', linkName: '/' }, { type: 'file', name: 'd/.wh.victim' }),
      undefined,
    ],
    [
      'attributes of overlayfs',
      tarOf({
        type: 'file',
        name: 'f',
        content: 'x',
        xattrs: new Map([
          ['trusted.overlay.redirect', Buffer.from('/../victim')],
          ['trusted.overlay.metacopy', Buffer.from('')],
        ]),
      }),
      'f',
    ],
  ];
  for (const [what, tar, found] of contained) {
    test(what, () => {
      using f = new Fixture();
      f.unpack(tar);
      f.assertContained();
      if (found !== undefined) assert.ok(lstatSync(join(f.root, found)));
      if (found === 'f') assert.equal(f.xattr('f', 'trusted.overlay.redirect'), undefined);
      assert.ok(f.assemble().equals(tar));
    });
  }

  const refused: [what: string, tar: Buffer, message: RegExp][] = [
    ['.. above the root', tarOf({ type: 'file', name: '../victim', content: 'x' }), /outside of the layer/],
    ['.. in the middle', tarOf({ type: 'file', name: 'a/../../victim', content: 'x' }), /outside of the layer/],
    ['a hard link upwards', tarOf({ type: 'link', name: 'f', linkName: '../victim' }), /outside of the layer/],
    [
      'a hard link to a file of the host',
      tarOf({ type: 'link', name: 'f', linkName: '/etc/passwd' }),
      /invalid hardlink/,
    ],
    [
      'a hard link through a link upwards',
      tarOf({ type: 'symlink', name: 'l', linkName: '../..' }, { type: 'link', name: 'f', linkName: 'l/victim' }),
      /no such file/,
    ],
    ['a whiteout of ..', tarOf({ type: 'file', name: 'd/.wh...' }), /invalid whiteout name/],
    ['a whiteout of nothing', tarOf({ type: 'file', name: '.wh.' }), /invalid whiteout name/],
    [
      'a file in place of the root',
      tarOf({ type: 'file', name: './', content: '' }, { type: 'symlink', name: '.', linkName: '/' }),
      /in place of the root/,
    ],
    [
      'a loop of links as parent',
      tarOf({ type: 'symlink', name: 'a', linkName: 'a' }, { type: 'file', name: 'a/f' }),
      /symbolic links/,
    ],
    ['a file as parent', tarOf({ type: 'file', name: 'a' }, { type: 'file', name: 'a/f' }), /not a directory|ENOTDIR/i],
    [
      'a name too long for the file system',
      tarOf({ type: 'file', name: 'n'.repeat(300) }),
      /ENAMETOOLONG|name too long/i,
    ],
  ];
  for (const [what, tar, message] of refused) {
    test(`${what} is refused`, () => {
      using f = new Fixture();
      assert.throws(() => f.unpack(tar), { code: 'invalid_argument', message });
      f.assertContained();
    });
  }
});

test('the diff of a directory is a layer, the same bytes each time', () => {
  using f = new Fixture();
  f.unpack(
    tarOf(
      {
        type: 'file',
        name: 'b',
        content: 'x',
        mode: 0o4711,
        uid: 9,
        mtime: 5n,
        xattrs: new Map([['user.k', Buffer.from('v')]]),
      },
      { type: 'link', name: 'a', linkName: 'b' },
      { type: 'directory', name: 'd' },
      { type: 'file', name: 'd/.wh..wh..opq' },
      { type: 'file', name: '.wh.gone' },
      { type: 'symlink', name: 'l', linkName: 'b' },
      { type: 'fifo', name: 'p' },
    ),
  );
  const sealed = sealLayer({ directory: f.root, recipe: join(f.outside, 'recipe') });
  using g = new Fixture();
  const copied = copyLayer({ from: f.root, lowers: [], to: g.base });
  assert.deepEqual(copied, sealed);
  assert.ok(isWhiteout(join(g.root, 'gone')));
  assert.equal(lstatSync(join(g.root, 'a')).ino, lstatSync(join(g.root, 'b')).ino);
  const tar = g.assemble();
  assert.equal(digestOf(tar), copied.diffId);
  const names = execFileSync('tar', ['-t'], { input: tar, encoding: 'utf8' }).trim().split('\n');
  assert.deepEqual(names, ['a', 'b', 'd/', 'd/.wh..wh..opq', '.wh.gone', 'l', 'p']);
});
