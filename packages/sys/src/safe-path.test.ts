import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { makeDirectoryInRoot, openRoot, readFileInRoot, resolveInRoot } from './safe-path.ts';

function withRoot(body: (root: string) => void): void {
  const root = mkdtempSync(join(tmpdir(), 'wharf-safe-path-'));
  try {
    body(root);
  } finally {
    rmSync(root, { recursive: true });
  }
}

describe('safe paths', () => {
  const hostile: readonly [what: string, link: string | undefined, path: string][] = [
    ['an absolute link', '/etc/passwd', 'link'],
    ['a link upwards', '../../../../../../etc/passwd', 'link'],
    ['dots in the path', undefined, '../../../../etc/passwd'],
    ['an absolute path', undefined, '/etc/passwd'],
    ['a magic link', '/proc/self/root/etc/passwd', 'link'],
  ];
  for (const [what, link, path] of hostile) {
    test(`${what} never reads the host's file`, () =>
      withRoot((root) => {
        if (link) symlinkSync(link, join(root, 'link'));
        using opened = openRoot(root);
        assert.equal(readFileInRoot(opened, path), undefined);
        mkdirSync(join(root, 'etc'));
        writeFileSync(join(root, 'etc/passwd'), 'inside');
        const expected = link?.startsWith('/proc') ? undefined : 'inside';
        assert.equal(readFileInRoot(opened, path)?.toString(), expected);
      }));
  }

  test('a directory is no file, a fifo does not block', () =>
    withRoot((root) => {
      using opened = openRoot(root);
      assert.equal(readFileInRoot(opened, '/'), undefined);
    }));

  test('resolve answers the place on the host', () =>
    withRoot((root) => {
      mkdirSync(join(root, 'data/sub'), { recursive: true });
      symlinkSync('/data', join(root, 'alias'));
      using opened = openRoot(root);
      assert.equal(resolveInRoot(opened, 'alias/sub'), join(root, 'data/sub'));
      assert.equal(resolveInRoot(opened, 'alias/none'), undefined);
    }));

  test('new directories get owner and mode, through dangling links, and stay inside', () =>
    withRoot((root) => {
      symlinkSync('/srv/../../app', join(root, 'work'));
      using opened = openRoot(root);
      makeDirectoryInRoot(opened, '/work/a/b', { mode: 0o750, uid: 12, gid: 13 });
      const made = statSync(join(root, 'app/a/b'));
      assert.deepEqual([made.mode & 0o777, made.uid, made.gid], [0o750, 12, 13]);
    }));

  test('a file in the way is an error', () =>
    withRoot((root) => {
      writeFileSync(join(root, 'file'), 'x');
      using opened = openRoot(root);
      assert.throws(() => makeDirectoryInRoot(opened, 'file/a', { mode: 0o755, uid: 0, gid: 0 }), { code: 'ENOTDIR' });
      assert.equal(readFileSync(join(root, 'file'), 'utf8'), 'x');
    }));

  test('a loop of links ends', () =>
    withRoot((root) => {
      symlinkSync('b', join(root, 'a'));
      symlinkSync('a', join(root, 'b'));
      using opened = openRoot(root);
      assert.throws(() => makeDirectoryInRoot(opened, 'a', { mode: 0o755, uid: 0, gid: 0 }), { code: 'ELOOP' });
    }));
});
