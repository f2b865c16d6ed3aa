import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCounters, parseIoV1, parseIoV2 } from './cgroup-stats.ts';

test('cgroup stats: block I/O of v1, without the sum of all devices', () => {
  assert.deepEqual(parseIoV1('8:0 Read 4096\n8:0 Write 0\nTotal 4096\n'), [
    { major: 8, minor: 0, op: 'Read', value: 4096 },
    { major: 8, minor: 0, op: 'Write', value: 0 },
  ]);
});

test('cgroup stats: block I/O of v2', () => {
  assert.deepEqual(parseIoV2('8:16 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n254:0 \n'), [
    { major: 8, minor: 16, op: 'read', value: 1 },
    { major: 8, minor: 16, op: 'write', value: 2 },
    { major: 254, minor: 0, op: 'read', value: 0 },
    { major: 254, minor: 0, op: 'write', value: 0 },
  ]);
});

test('cgroup stats: counters', () => {
  assert.deepEqual(parseCounters('usage_usec 12\nnr_periods 0\n'), { usage_usec: 12, nr_periods: 0 });
});
