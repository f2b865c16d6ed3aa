import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatIdRanges, mappedRoot, toContainerId, toHostId } from './id-mapping.ts';

const ranges = [
  { inside: 0, outside: 200_000, size: 1000 },
  { inside: 1000, outside: 300_000, size: 10 },
];

test('ids go out and in again, and those without a counterpart are nobody’s', () => {
  for (const [inside, outside] of [
    [0, 200_000],
    [999, 200_999],
    [1000, 300_000],
    [1009, 300_009],
  ] as const) {
    assert.equal(toHostId(ranges, inside), outside);
    assert.equal(toContainerId(ranges, outside), inside);
  }
  assert.equal(toHostId(ranges, 1010), undefined);
  for (const id of [0, 199_999, 201_000, 300_010]) assert.equal(toContainerId(ranges, id), 65_534);
  assert.deepEqual(mappedRoot({ uids: ranges, gids: ranges.slice(0, 1) }), { uid: 200_000, gid: 200_000 });
  assert.equal(formatIdRanges(ranges), '0 200000 1000\n1000 300000 10\n');
});
