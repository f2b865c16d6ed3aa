import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { binarySize, ellipsis, humanDuration, humanSize, truncateId } from './units.ts';

describe('sizes', () => {
  for (const [bytes, precision, expected] of [
    [0, 4, '0B'],
    [999, 4, '999B'],
    [1000, 4, '1kB'],
    [1_982_256, 3, '1.98MB'],
    [1_982_256, 4, '1.982MB'],
    [12_345_678_901, 4, '12.35GB'],
    [999_999, 3, '1e+03kB'],
  ] as const) {
    test(`${bytes} is ${expected}`, () => assert.equal(humanSize(bytes, precision), expected));
  }
  test('powers of 1024', () => assert.equal(binarySize(25_165_824_000), '23.44GiB'));
});

describe('durations', () => {
  const [minute, hour, day] = [60, 3600, 86_400];
  for (const [seconds, expected] of [
    [0.4, 'Less than a second'],
    [1, '1 second'],
    [59, '59 seconds'],
    [minute, 'About a minute'],
    [2 * minute, '2 minutes'],
    [hour, 'About an hour'],
    [hour * 1.6, '2 hours'],
    [47 * hour, '47 hours'],
    [2 * day, '2 days'],
    [14 * day, '2 weeks'],
    [60 * day, '2 months'],
    [800 * day, '2 years'],
  ] as const) {
    test(expected, () => assert.equal(humanDuration(seconds), expected));
  }
});

test('ids and texts are cut', () => {
  assert.equal(truncateId(`sha256:${'0123456789abcdef'.repeat(4)}`), '0123456789ab');
  assert.equal(ellipsis('sleep 100000', 20), 'sleep 100000');
  assert.equal(ellipsis('a long command line indeed', 20), 'a long command line…');
  assert.equal(ellipsis('日本語日本語', 5), '日本…');
});
