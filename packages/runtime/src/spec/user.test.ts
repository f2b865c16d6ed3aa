import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { check as checkResult } from '@wharf/sys/errno';
import { cString, syscall } from '@wharf/sys/syscall';
import { layeredFiles, rootFiles } from './root-files.ts';
import { type RootFiles, resolveUser } from './user.ts';

const files: RootFiles = {
  read: (path) => {
    if (path === 'etc/passwd') {
      return Buffer.from('# people\nroot:x:0:0:root:/root:/bin/sh\nbob:x:1000:1000::/home/bob:/bin/sh\n\nbad\n');
    }
    if (path === 'etc/group') return Buffer.from('root:x:0:\nbob:x:1000:\nwheel:x:10:root,bob\nusers:x:100:bob\n');
    return undefined;
  },
};
const empty: RootFiles = { read: () => undefined };

describe('user of a container', () => {
  const rows: readonly [user: string, groupAdd: string[] | null, expected: string][] = [
    ['', null, '0:0 0,10 /root'],
    ['root', null, '0:0 0,10 /root'],
    ['0', null, '0:0 0,10 /root'],
    ['bob', null, '1000:1000 1000,10,100 /home/bob'],
    ['1000', null, '1000:1000 1000,10,100 /home/bob'],
    ['bob:wheel', null, '1000:10 10 /home/bob'],
    ['bob:77', null, '1000:77 77 /home/bob'],
    ['55', null, '55:0 0 /'],
    ['55:10', ['bob', '77', '10'], '55:10 10,1000,77 /'],
  ];
  for (const [user, groupAdd, expected] of rows) {
    test(`${JSON.stringify(user)} ${groupAdd ?? ''}`, () => {
      const { uid, gid, additionalGids, home } = resolveUser(files, user, groupAdd);
      assert.equal(`${uid}:${gid} ${additionalGids.join()} ${home}`, expected);
    });
  }

  const refused: readonly [user: string, groupAdd: string[] | null, message: string][] = [
    ['nobody', null, 'unable to find user nobody: no matching entries in passwd file'],
    ['root:nog', null, 'unable to find group nog: no matching entries in group file'],
    ['-3', null, 'uids and gids must be in range 0-2147483647'],
    ['2147483648', null, 'uids and gids must be in range 0-2147483647'],
    ['', ['nog'], 'Unable to find group nog: no matching entries in group file'],
  ];
  for (const [user, groupAdd, message] of refused) {
    test(`${user} ${groupAdd ?? ''} is refused`, () => {
      assert.throws(() => resolveUser(files, user, groupAdd), { message });
    });
  }

  test('an image without files has a root', () => {
    assert.deepEqual(resolveUser(empty, '', null), { uid: 0, gid: 0, additionalGids: [0], home: '/' });
  });
});

describe('files of layers', () => {
  function withLayers(body: (upper: string, lower: string, base: string) => void): void {
    const directory = mkdtempSync(join(tmpdir(), 'wharf-layers-'));
    try {
      const layers = ['upper', 'lower', 'base'].map((name) => join(directory, name)) as [string, string, string];
      for (const layer of layers) mkdirSync(join(layer, 'etc'), { recursive: true });
      body(...layers);
    } finally {
      rmSync(directory, { recursive: true });
    }
  }

  test('the uppermost wins, directories merge, a whiteout hides', () =>
    withLayers((upper, lower, base) => {
      const read = (path: string) => layeredFiles([upper, lower, base]).read(path)?.toString();
      writeFileSync(join(base, 'etc/passwd'), 'base');
      assert.equal(read('etc/passwd'), 'base');
      writeFileSync(join(lower, 'etc/passwd'), 'lower');
      assert.equal(read('etc/passwd'), 'lower');
      const S_IFCHR = 0o020000;
      checkResult(syscall('mknodat', -100, cString(join(upper, 'etc/passwd')), S_IFCHR, 0), 'make a whiteout');
      assert.equal(read('etc/passwd'), undefined);
      assert.equal(read('etc'), undefined);
    }));

  test('links are followed inside the root, through all layers, and end', () =>
    withLayers((upper, lower, base) => {
      const read = (path: string) => layeredFiles([upper, lower, base]).read(path)?.toString();
      mkdirSync(join(base, 'usr/share'), { recursive: true });
      writeFileSync(join(base, 'usr/share/passwd'), 'shared');
      symlinkSync('/../../usr/share/passwd', join(lower, 'etc/passwd'));
      symlinkSync('../etc/passwd', join(upper, 'etc/group'));
      assert.equal(read('etc/passwd'), 'shared');
      assert.equal(read('etc/group'), 'shared');
      symlinkSync('loop', join(upper, 'loop'));
      assert.equal(read('loop'), undefined);
      symlinkSync('/etc/passwd', join(upper, 'hostile'));
      rmSync(join(lower, 'etc/passwd'));
      assert.equal(read('hostile'), undefined);
    }));

  test('a mounted root is read without leaving it', () =>
    withLayers((upper) => {
      symlinkSync('/etc/hostname', join(upper, 'etc/passwd'));
      assert.equal(rootFiles(upper).read('etc/passwd'), undefined);
    }));
});
