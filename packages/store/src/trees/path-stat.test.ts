import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openRoot } from '@wharf/sys/safe-path';
import { baseName, goFileMode, openNamed, statPath } from './path-stat.ts';
import { memberPath } from './write-tree.ts';

const names: [path: string, expected: string][] = [
  ['/a/b', 'b'],
  ['/a/b/', 'b'],
  ['/', '/'],
  ['//', '/'],
  ['/a/.', '.'],
  ['rel', 'rel'],
];
for (const [path, expected] of names) {
  test(`path stat: the name of ${path}`, () => assert.equal(baseName(path), expected));
}

const modes: [mode: number, expected: number][] = [
  [0o100644, 0o644],
  [0o040755, 2 ** 31 + 0o755],
  [0o041777, 2 ** 31 + 2 ** 20 + 0o777],
  [0o120777, 2 ** 27 + 0o777],
  [0o104755, 2 ** 23 + 0o755],
  [0o102755, 2 ** 22 + 0o755],
  [0o020600, 2 ** 26 + 2 ** 21 + 0o600],
  [0o060600, 2 ** 26 + 0o600],
  [0o010600, 2 ** 25 + 0o600],
  [0o140600, 2 ** 24 + 0o600],
];
for (const [mode, expected] of modes) {
  test(`path stat: mode ${mode.toString(8)} as Go has it`, () => assert.equal(goFileMode(mode), expected));
}

test('path stat: links lead to where the container has it', () => {
  const base = mkdtempSync(join(tmpdir(), 'stat-'));
  mkdirSync(join(base, 'etc'));
  writeFileSync(join(base, 'etc/real'), '');
  symlinkSync('/etc/real', join(base, 'absolute'));
  symlinkSync('../../../../etc/real', join(base, 'etc/up'));
  symlinkSync('absolute', join(base, 'twice'));
  symlinkSync('nowhere/at/all', join(base, 'broken'));
  symlinkSync('loop', join(base, 'loop'));
  using root = openRoot(base);
  const target = (path: string) => statPath(root, path).linkTarget;
  assert.equal(target('/absolute'), '/etc/real');
  assert.equal(target('/etc/up'), '/etc/real');
  assert.equal(target('/twice'), '/etc/real');
  assert.equal(target('/broken'), '/nowhere/at/all');
  assert.equal(target('/loop'), '/loop');
  assert.equal(target('/etc/real'), '');
  rmSync(base, { recursive: true });
});

test("path stat: the kernel's own files are not there", () => {
  using root = openRoot('/');
  assert.throws(() => openNamed(root, '/proc/self/environ'), { code: 'ENOENT' });
  assert.throws(() => openNamed(root, '/sys/kernel'), { code: 'ENOENT' });
});

const members: [name: string, destination: string, expected: string[]][] = [
  ['a/b', '', ['a', 'b']],
  ['./a//b/', 'x/y', ['x', 'y', 'a', 'b']],
  ['/abs', 'x', ['x', 'abs']],
  ['a/../b', 'x', ['x', 'b']],
  ['.', 'x', ['x']],
];
for (const [name, destination, expected] of members) {
  test(`members: ${name} below /${destination}`, () => assert.deepEqual(memberPath(name, destination), expected));
}

test('members: none leads out of the destination', () => {
  for (const name of ['..', '../a', 'a/../../b', '/../x']) {
    assert.throws(() => memberPath(name, 'x'), { code: 'invalid_argument' }, name);
  }
});
