import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContainerStats } from '@wharf/api/stats';
import { cpuShare, memoryUsed } from './stats-rows.ts';

function sample(change: object): ContainerStats {
  const cpu = { cpu_usage: { total_usage: 0 } };
  return { cpu_stats: cpu, precpu_stats: cpu, memory_stats: {}, ...change } as unknown as ContainerStats;
}

test('stats: the share of one processor', () => {
  const busy = sample({
    cpu_stats: { cpu_usage: { total_usage: 3e9 }, system_cpu_usage: 14e9, online_cpus: 4 },
    precpu_stats: { cpu_usage: { total_usage: 1e9 }, system_cpu_usage: 10e9 },
  });
  assert.equal(cpuShare(busy), 2);
  assert.equal(cpuShare(sample({})), 0);
});

test('stats: memory without what the page cache holds, on either version of cgroups', () => {
  assert.equal(
    memoryUsed(sample({ memory_stats: { usage: 100, stats: { total_inactive_file: 30, inactive_file: 5 } } })),
    70,
  );
  assert.equal(memoryUsed(sample({ memory_stats: { usage: 100, stats: { inactive_file: 40 } } })), 60);
  assert.equal(memoryUsed(sample({ memory_stats: { usage: 10, stats: { inactive_file: 40 } } })), 10);
  assert.equal(memoryUsed(sample({})), 0);
});
