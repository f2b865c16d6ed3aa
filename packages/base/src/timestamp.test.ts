import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatNanos, nowNanos, timestamp } from './timestamp.ts';

test('a time has no trailing zeros in its fraction, as in Go', () => {
  assert.equal(formatNanos(1_700_000_000_000_000_000n), '2023-11-14T22:13:20Z');
  assert.equal(formatNanos(1_700_000_000_120_000_000n), '2023-11-14T22:13:20.12Z');
  assert.equal(formatNanos(1_700_000_000_000_000_001n), '2023-11-14T22:13:20.000000001Z');
});

test('time goes forward and stays close to the wall clock', () => {
  let before = nowNanos();
  for (let i = 0; i < 1000; i++) {
    const now = nowNanos();
    assert.ok(now > before);
    before = now;
  }
  assert.ok(Math.abs(Number(before / 1_000_000n) - Date.now()) < 50);
  assert.match(timestamp(), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/);
});
