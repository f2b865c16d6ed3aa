import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { applyLimits, type CgroupLimits, cpuWeight, planLimits } from './cgroup-limits.ts';

const rows: [limits: CgroupLimits, expected: string[]][] = [
  [{ memory: 1000, swap: 3000 }, ['memory.swap.max=2000', 'memory.max=1000']],
  [{ memory: 1000, swap: -1 }, ['memory.swap.max=max', 'memory.max=1000']],
  [{ reservation: 5 }, ['memory.low=5']],
  [{ period: 100_000, quota: 50_000 }, ['cpu.max=50000 100000']],
  [{ period: 100_000, quota: -1 }, ['cpu.max=max 100000']],
  [{ shares: 1024 }, ['cpu.weight=39']],
  [{ pids: 7, cpus: '0-1' }, ['cpuset.cpus=0-1', 'pids.max=7']],
  [{ pids: -1 }, ['pids.max=max']],
  [{ blockIoWeight: 1000 }, ['io.weight=default 10000']],
  [{}, []],
];

for (const [limits, expected] of rows) {
  test(`limits on v2: ${JSON.stringify(limits)}`, () => {
    const planned = planLimits(limits, { v1: new Map(), v2: '/v2' });
    assert.deepEqual(
      planned.map(({ file, value }) => `${file.slice('/v2/'.length)}=${value}`),
      expected,
    );
  });
}

test('shares to weight keep their ends', () => {
  assert.deepEqual([cpuWeight(2), cpuWeight(262144)], [1, 10000]);
});

test('limits on v1: memory and swap in the order that the kernel takes', () => {
  const directory = mkdtempSync(join(tmpdir(), 'limits-'));
  writeFileSync(join(directory, 'memory.limit_in_bytes'), '2000\n');
  writeFileSync(join(directory, 'memory.memsw.limit_in_bytes'), '2000\n');
  const paths = { v1: new Map([['memory', directory]]), v2: undefined };
  const order = (limits: CgroupLimits) => planLimits(limits, paths).map(({ file }) => file.slice(directory.length + 8));
  assert.deepEqual(order({ memory: 3000, swap: 4000 }), ['memsw.limit_in_bytes', 'limit_in_bytes']);
  assert.deepEqual(order({ memory: 500, swap: 1000 }), ['limit_in_bytes', 'memsw.limit_in_bytes']);
  rmSync(directory, { recursive: true });
});

test('limits: a write that fails puts back the ones before it', () => {
  const directory = mkdtempSync(join(tmpdir(), 'limits-'));
  const first = join(directory, 'first');
  writeFileSync(first, 'old');
  const writes = [
    { file: first, value: 'new' },
    { file: join(directory, 'absent'), value: '1' },
  ];
  assert.throws(() => applyLimits(writes), { code: 'ENOENT' });
  assert.equal(readFileSync(first, 'utf8'), 'old');
  rmSync(directory, { recursive: true });
});
