import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseModeChange } from './mode-change.ts';

describe('modes change as chmod does', () => {
  const rows: [change: string, before: number, isDirectory: boolean, after: number][] = [
    ['755', 0o644, false, 0o755],
    ['0', 0o644, false, 0],
    ['4755', 0o644, false, 0o4755],
    ['u=rwX,go=rX', 0o600, false, 0o644],
    ['u=rwX,go=rX', 0o700, false, 0o755],
    ['u=rwX,go=rX', 0o600, true, 0o755],
    ['+x', 0o644, false, 0o755],
    ['a-w', 0o666, false, 0o444],
    ['g-w,o=', 0o777, false, 0o750],
    ['o=u', 0o640, false, 0o646],
    ['u+s,g+s', 0o755, false, 0o6755],
    ['u=rwx', 0o4755, false, 0o755],
    ['+t', 0o777, true, 0o1777],
    ['ug+rw-x', 0o111, false, 0o661],
  ];
  for (const [change, before, isDirectory, after] of rows) {
    test(`${change} makes ${before.toString(8)} ${after.toString(8)}`, () => {
      assert.equal(parseModeChange(change)(before, isDirectory).toString(8), after.toString(8));
    });
  }

  for (const text of ['', '8', '77777', 'u', 'z+x', 'u+q', 'u=rw,']) {
    test(`${JSON.stringify(text)} is no mode`, () => {
      assert.throws(() => parseModeChange(text), /invalid chmod parameter/);
    });
  }
});
