import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatPrefix, parsePrefix, prefixSize } from '../address.ts';
import { choosePool, defaultBridgeRegions, defaultRegions } from './default-pools.ts';

const rows: readonly [taken: readonly string[], expected: string][] = [
  [[], '172.18.0.0/24'],
  [['172.18.0.0/24', '172.18.1.0/24'], '172.18.2.0/24'],
  [['172.18.0.7/32'], '172.18.1.0/24'],
  [['172.16.0.0/12'], '192.168.0.0/24'],
  [['172.16.0.0/12', '192.168.0.0/16'], '10.0.0.0/24'],
  [['0.0.0.0/0'], 'none'],
  [['fd00::/8'], '172.18.0.0/24'],
];

for (const [taken, expected] of rows) {
  test(`with ${taken.join(', ') || 'nothing'} taken the next pool is ${expected}`, () => {
    const pool = choosePool(
      defaultRegions,
      taken.map((text) => parsePrefix(text)!),
    );
    assert.equal(pool ? formatPrefix(pool) : 'none', expected);
  });
}

test('the default bridge is a /16', () => {
  assert.equal(formatPrefix(choosePool(defaultBridgeRegions, [])!), '172.17.0.0/16');
});

test('the 4,097th network finds a pool', () => {
  const taken = defaultRegions
    .slice(0, 4)
    .flatMap(({ base }) =>
      Array.from({ length: Number(prefixSize(base) / 256n) }, (_, index) => ({
        ...base,
        base: base.base + BigInt(index) * 256n,
        length: 24,
      })),
    )
    .toReversed();
  assert.ok(taken.length > 3800);
  assert.equal(formatPrefix(choosePool(defaultRegions, taken)!), '10.0.0.0/24');
});
