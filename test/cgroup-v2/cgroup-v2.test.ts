import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';

const root = join(import.meta.dirname, '../..');
const here = existsSync('/sys/fs/cgroup/cgroup.controllers');

/** What depends on the hierarchy: starting, stopping, pausing, executing, limits. */
const files = ['lifecycle', 'exec', 'process'];

describe('on pure cgroup v2', { skip: here ? 'this machine has it: test/e2e ran on it' : false }, () => {
  for (const file of files) {
    test(`test/e2e/${file}.test.ts`, { timeout: 600_000 }, () => {
      const command = [process.execPath, 'test', '--timeout', '120000', `./test/e2e/${file}.test.ts`];
      const result = spawnSync(join(import.meta.dirname, 'boot.sh'), command, {
        cwd: root,
        encoding: 'utf8',
        env: { ...process.env, UML_TIMEOUT: '580' },
        maxBuffer: 1 << 26,
      });
      assert.equal(
        result.status,
        0,
        `${result.stdout.slice(0, 3000)}\n...\n${result.stdout.slice(-3000)}\n${result.stderr.slice(-2000)}`,
      );
    });
  }
});
