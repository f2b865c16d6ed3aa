import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alignTabs } from './tab-writer.ts';

test('columns are as wide as their widest cell and three, and at least ten', () => {
  assert.equal(alignTabs('ID\tNAMES\tX\nabcdefghij\tn\ty\n'), 'ID           NAMES     X\nabcdefghij   n         y\n');
});

test('a line without a cell ends a column', () => {
  const text = 'Client:\n Version:\t1\n API version:\t1.52\n\nServer:\n Engine:\n  Version:\t2\n';
  assert.equal(
    alignTabs(text, { minWidth: 20, padding: 1 }),
    'Client:\n Version:           1\n API version:       1.52\n\nServer:\n Engine:\n  Version:          2\n',
  );
});

test('wide characters count twice', () => {
  assert.equal(alignTabs('日本語日本語\tx\nabc\ty\n'), '日本語日本語   x\nabc            y\n');
});

test('empty cells keep their place', () => {
  assert.equal(alignTabs('a\t\tc\n\tb\tc\n'), 'a                   c\n          b         c\n');
});
