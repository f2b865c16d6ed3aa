import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { tryParseDuration } from './duration.ts';
import { parsePointInTime } from './point-in-time.ts';

describe('Go durations', () => {
  const rows: [string, bigint | undefined][] = [
    ['0', 0n],
    ['1s', 1_000_000_000n],
    ['1h30m', 5_400_000_000_000n],
    ['1.5s', 1_500_000_000n],
    ['.5ms', 500_000n],
    ['-300ms', -300_000_000n],
    ['+1us', 1000n],
    ['1µs2ns', 1002n],
    ['', undefined],
    ['-', undefined],
    ['10', undefined],
    ['s', undefined],
    ['.s', undefined],
    ['1s ', undefined],
    ['1d', undefined],
    ['1s1', undefined],
  ];
  for (const [text, expected] of rows) test(JSON.stringify(text), () => assert.equal(tryParseDuration(text), expected));
});

describe('points in time', () => {
  const now = 1_000_000_000_000_000_000n;
  const rows: [string, bigint][] = [
    ['0', 0n],
    ['1700000000', 1_700_000_000_000_000_000n],
    ['1700000000.000000001', 1_700_000_000_000_000_001n],
    ['1700000000.5', 1_700_000_000_500_000_000n],
    ['10m', now - 600_000_000_000n],
    ['2023-11-14T22:13:20Z', 1_700_000_000_000_000_000n],
    ['2023-11-14T22:13:20.000000007Z', 1_700_000_000_000_000_007n],
    ['2023-11-14T23:13:20+01:00', 1_700_000_000_000_000_000n],
    ['2023-11-14T22:13Z', 1_699_999_980_000_000_000n],
  ];
  for (const [text, expected] of rows) test(text, () => assert.equal(parsePointInTime(text, now), expected));

  for (const text of ['yesterday', '', '2023-13-01T00:00:00Z', '12:00', '1e9']) {
    test(`refuses ${JSON.stringify(text)}`, () => {
      assert.throws(() => parsePointInTime(text, now), { code: 'invalid_argument' });
    });
  }
});
