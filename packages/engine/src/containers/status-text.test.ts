import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatDuration } from './status-text.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

const rows: [number, string][] = [
  [-5, 'Less than a second'],
  [450, 'Less than a second'],
  [second, '1 second'],
  [59 * second, '59 seconds'],
  [minute, 'About a minute'],
  [2 * minute, '2 minutes'],
  [59 * minute, '59 minutes'],
  [60 * minute, 'About an hour'],
  [89 * minute, 'About an hour'],
  [90 * minute, '2 hours'],
  [47 * hour, '47 hours'],
  [2 * day, '2 days'],
  [13 * day, '13 days'],
  [14 * day, '2 weeks'],
  [60 * day, '2 months'],
  [729 * day, '24 months'],
  [730 * day, '2 years'],
];

for (const [milliseconds, text] of rows) {
  test(`${milliseconds} ms is "${text}"`, () => assert.equal(formatDuration(milliseconds), text));
}
