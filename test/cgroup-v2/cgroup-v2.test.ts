import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';

const root = join(import.meta.dirname, '../..');
const here = existsSync('/sys/fs/cgroup/cgroup.controllers');
const isInstalled = (process.env.PATH ?? '').split(':').some((directory) => existsSync(`${directory}/linux.uml`));
const missing = isInstalled ? false : 'user-mode-linux is not installed';

/** What depends on the hierarchy: starting, stopping, pausing, executing, limits. */
const files = ['lifecycle', 'exec', 'process'];

describe('on pure cgroup v2', { skip: here ? 'this machine has it: test/e2e ran on it' : missing }, () => {
  for (const file of files) {
    test(`test/e2e/${file}.test.ts`, { timeout: 600_000 }, () => void runThere(`./test/e2e/${file}.test.ts`));
  }
});

// That kernel also has what some hosts lack: ipvlan, 802.1q and dummy links.
test('links on top of others', { timeout: 120_000, skip: missing }, () => {
  const output = runThere('./packages/network/src/drivers/stacked-link.test.ts');
  assert.match(output, /\b0 fail/);
  assert.doesNotMatch(output, /\d+ skip/);
});

// And file systems with project quotas.
test('sizes of volumes and writable layers', { timeout: 120_000, skip: missing }, () => {
  const stored = './packages/store/src';
  const output = runThere(`${stored}/volumes/volume-size.test.ts`, `${stored}/snapshots/snapshot-size.test.ts`);
  assert.match(output, /\b0 fail/);
  assert.doesNotMatch(output, /\d+ skip/);
});

/** Runs test files on the other kernel; what they printed. User-mode-linux 6.12 panics now and then by itself. */
function runThere(...files: string[]): string {
  const command = [process.execPath, 'test', '--timeout', '120000', ...files];
  let result = boot(command);
  for (let again = 0; again < 2 && result.stdout.includes('Kernel panic'); again++) result = boot(command);
  const output = `${result.stdout.slice(0, 3000)}\n...\n${result.stdout.slice(-3000)}\n${result.stderr.slice(-2000)}`;
  assert.equal(result.status, 0, output);
  return output;
}

function boot(command: readonly string[]) {
  return spawnSync(join(import.meta.dirname, 'boot.sh'), command, {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1', UML_TIMEOUT: '580' },
    maxBuffer: 1 << 26,
  });
}
