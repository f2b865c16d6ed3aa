import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { readCgroupLayout } from '@wharf/sys/cgroup';
import { CgroupWarmer } from './cgroup-warmer.ts';

test('cgroup warmer: leaves no cgroup and no process behind', async () => {
  const { v1, v2 } = readCgroupLayout();
  const directory = `${v1.get('pids') ?? v2}/wharf-warm-test-${process.pid}-1`;
  const warmer = new CgroupWarmer(`wharf-warm-test-${process.pid}`);
  warmer.warm(50);
  assert.ok(existsSync(directory));
  const held = warmer.hold();
  await warmer.close();
  assert.ok(!existsSync(directory));
  held[Symbol.dispose]();
  warmer.warm(50);
  assert.ok(!existsSync(directory));
});
