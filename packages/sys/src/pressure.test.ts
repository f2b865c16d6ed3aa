import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePressure } from './pressure.ts';

test('pressure: the totals of what some and what all tasks waited', () => {
  const line = (kind: string, total: number) => `${kind} avg10=0.12 avg60=0.00 avg300=0.00 total=${total}\n`;
  assert.deepEqual(parsePressure(line('some', 1234) + line('full', 56)), { some: 1234, full: 56 });
  assert.deepEqual(parsePressure(line('some', 1234)), { some: 1234, full: 0 });
  assert.equal(parsePressure(''), undefined);
});
