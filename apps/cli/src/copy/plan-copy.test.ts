import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planCopy, renameMember, splitArgument } from './plan-copy.ts';

const file = { path: '/src/file', isDirectory: false };
const directory = { path: '/src/dir', isDirectory: true };
const contents = { path: '/src/dir/.', isDirectory: true };
const absent = (path: string) => ({ path, exists: false, isDirectory: false });
const there = (path: string, isDirectory: boolean) => ({ path, exists: true, isDirectory });

const plans: [
  source: typeof file,
  destination: ReturnType<typeof there>,
  directory: string,
  from?: string,
  to?: string,
][] = [
  [file, there('/dst', true), '/dst'],
  [file, there('/dst/old', false), '/dst', 'file', 'old'],
  [file, absent('/dst/new'), '/dst', 'file', 'new'],
  [directory, there('/dst', true), '/dst'],
  [directory, absent('/dst/new'), '/dst', 'dir', 'new'],
  [directory, absent('/dst/new/'), '/dst', 'dir', 'new'],
  [contents, there('/dst', true), '/dst'],
  [contents, absent('/dst/new'), '/dst', '.', 'new'],
];
for (const [source, destination, into, from, to] of plans) {
  test(`cp: ${source.path} to ${destination.path}, which is ${destination.exists ? 'there' : 'not there'}`, () => {
    const rename = from === undefined || to === undefined ? undefined : { from, to };
    assert.deepEqual(planCopy(source, destination), { directory: into, rename });
  });
}

test('cp: what cannot be', () => {
  assert.throws(() => planCopy(directory, there('/dst/file', false)), /^Error: cannot copy directory$/);
  assert.throws(() => planCopy(file, absent('/dst/new/')), /^Error: no such directory$/);
});

test('cp: only the first part of a name changes', () => {
  const rename = { from: 'dir', to: 'new' };
  assert.deepEqual(
    ['dir', 'dir/dir', 'dirt/x'].map((name) => renameMember(name, rename)),
    ['new', 'new/dir', 'dirt/x'],
  );
});

const places: [argument: string, container: string, path: string][] = [
  ['web:/etc', 'web', '/etc'],
  ['./a:b', '', './a:b'],
  ['/a:b', '', '/a:b'],
  ['plain', '', 'plain'],
  ['-', '', '-'],
  ['web:rel', 'web', 'rel'],
];
for (const [argument, container, path] of places) {
  test(`cp: ${argument} is ${container ? 'in a container' : 'here'}`, () => {
    assert.deepEqual(splitArgument(argument), { container, path });
  });
}
