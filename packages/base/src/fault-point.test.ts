import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFaultPoint } from './fault-point.ts';

test('the chosen step dies, and only steps of the prefix count', () => {
  let deaths = 0;
  const seen: string[] = [];
  const fault = createFaultPoint({
    at: 2,
    prefix: 'create.',
    onStep: (step, number) => void seen.push(`${number} ${step}`),
    die: () => void deaths++,
  });
  fault('start.network');
  fault('create.row');
  assert.equal(deaths, 0);
  fault('create.snapshot');
  assert.equal(deaths, 1);
  assert.deepEqual(seen, ['1 create.row', '2 create.snapshot']);
});
