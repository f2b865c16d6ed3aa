import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSize } from './size.ts';

const rows: [string, number][] = [
  ['512', 512],
  ['10m', 10 * 1024 ** 2],
  ['10MB', 10 * 1024 ** 2],
  ['1.5 GiB', 1.5 * 1024 ** 3],
  ['32b', 32],
  ['1k', 1024],
];
for (const [text, bytes] of rows) test(`size ${text} is ${bytes} bytes`, () => assert.equal(parseSize(text), bytes));
for (const bad of ['', 'm', '-1', '10x', '1 2', '0x10']) {
  test(`size '${bad}' is refused`, () => assert.throws(() => parseSize(bad), /invalid size/));
}
