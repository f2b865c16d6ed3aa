import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { isAlive } from './process-state.ts';

test('a process is alive until it has ended', async () => {
  assert.equal(isAlive(process.pid), true);
  const child = spawn('cat', { stdio: ['pipe', 'ignore', 'ignore'] });
  assert.equal(isAlive(child.pid!), true);
  child.stdin.end();
  await once(child, 'exit');
  assert.equal(isAlive(child.pid!), false);
});
