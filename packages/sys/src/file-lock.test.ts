import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { tryLockFile } from './file-lock.ts';

test('a locked file is locked until its descriptor closes', () => {
  const directory = mkdtempSync(join(tmpdir(), 'wharf-lock-'));
  const path = join(directory, 'lock');
  const first = openSync(path, 'a+');
  const second = openSync(path, 'a+');
  assert.equal(tryLockFile(first), true);
  assert.equal(tryLockFile(second), false);
  closeSync(first);
  assert.equal(tryLockFile(second), true);
  closeSync(second);
  rmSync(directory, { recursive: true });
});
