import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { cString } from '@wharf/sys/syscall';
import { trySetXattr } from '@wharf/sys/xattr';
import { type FileChange, treeChanges } from './tree-changes.ts';

/** Makes layers, top to bottom: a name that ends with a slash is a directory, `!` a whiteout, `/=` an opaque one, `~` an empty file. */
function layers(...trees: (readonly string[])[]): { paths: string[]; [Symbol.dispose](): void } {
  const base = mkdtempSync(join(tmpdir(), 'changes-'));
  const paths = trees.map((names, index) => {
    const root = join(base, String(index));
    mkdirSync(root);
    for (const name of names) make(root, name);
    return root;
  });
  return { paths, [Symbol.dispose]: () => rmSync(base, { recursive: true }) };
}

function make(root: string, name: string): void {
  const path = join(root, name.replace(/^!/, '').replace(/[=~]$/, ''));
  if (name.startsWith('!')) return void execFileSync('mknod', [path, 'c', '0', '0']);
  if (!name.endsWith('/') && !name.endsWith('/=')) {
    writeFileSync(path, name.endsWith('~') ? '' : root.slice(-1));
    utimesSync(path, 1, 1);
    return;
  }
  mkdirSync(path);
  if (name.endsWith('=')) setOpaque(path);
}

function setOpaque(path: string): void {
  const fd = openSync(path, 'r');
  assert.equal(trySetXattr(fd, cString('trusted.overlay.opaque'), Buffer.from('y')), 0);
  closeSync(fd);
}

function show({ Kind, Path }: FileChange): string {
  return `${'CAD'[Kind]} ${Path}`;
}

const rows: [what: string, layers: (readonly string[])[], expected: string[]][] = [
  ['nothing in the upper directory', [[], ['a']], []],
  ['added', [['a', 'd/', 'd/x'], []], ['A /a', 'A /d', 'A /d/x']],
  [
    'copied up and not changed',
    [
      ['d/', 'd/a'],
      ['d/', 'd/a'],
    ],
    [],
  ],
  ['removed, and what a layer below had removed already', [['!a', '!b'], ['!b', 'a'], ['b']], ['D /a']],
  ['removed further down', [['d/', '!d/a'], [], ['d/', 'd/a']], ['C /d', 'D /d/a']],
  [
    'a directory made anew',
    [
      ['d/=', 'd/n'],
      ['d/', 'd/a', 'd/b'],
      ['d/', 'd/c'],
    ],
    ['C /d', 'A /d/n', 'D /d/a', 'D /d/b', 'D /d/c'],
  ],
  [
    'made anew over one that was made anew',
    [
      ['d/=', 'd/n'],
      ['d/=', 'd/a'],
      ['d/', 'd/hidden'],
    ],
    ['C /d', 'A /d/n', 'D /d/a'],
  ],
  ["a directory in a file's place", [['a/', 'a/x'], ['a']], ['C /a', 'A /a/x']],
  [
    'what the runtime makes',
    [
      ['proc/', 'etc/', 'etc/hosts~', 'dev/', 'dev/pts/'],
      ['etc/', 'etc/passwd'],
    ],
    [],
  ],
  ['what the runtime makes in an image without /etc', [['etc/', 'etc/hosts~', 'etc/resolv.conf~'], ['bin/']], []],
  ['a file beside what the runtime makes', [['etc/', 'etc/hosts~', 'etc/own'], []], ['A /etc', 'A /etc/own']],
  ['a name beyond ASCII', [['ä'], []], ['A /ä']],
];

for (const [what, trees, expected] of rows) {
  test(`changes: ${what}`, () => {
    using made = layers(...trees);
    const [upper, ...lowers] = made.paths;
    assert.deepEqual(treeChanges(upper!, lowers).map(show), expected);
  });
}
