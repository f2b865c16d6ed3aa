import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  booleanFilter,
  checkFilterNames,
  lacksLabels,
  matchesExactly,
  matchesLabels,
  matchesPattern,
  parseFilters,
} from './filters.ts';

describe('filters: both wire forms', () => {
  const rows: [text: string | undefined, expected: [string, string[]][]][] = [
    [undefined, []],
    ['', []],
    ['null', []],
    ['{}', []],
    ['{"a":["b","b","c"]}', [['a', ['b', 'c']]]],
    ['{"a":{"b":true,"c":false}}', [['a', ['b']]]],
    ['{"a":null}', [['a', []]]],
  ];
  for (const [text, expected] of rows) test(String(text), () => assert.deepEqual([...parseFilters(text)], expected));

  for (const text of ['x', '[]', '1', '{"a":1}', '{"a":[1]}', '{"a":{"b":1}}']) {
    test(`refuses ${text}`, () => {
      assert.throws(() => parseFilters(text), { code: 'invalid_argument', message: 'invalid filter' });
    });
  }
});

test('filters: an unknown name is refused by name', () => {
  const filters = parseFilters('{"label":["a"],"colour":["red"]}');
  assert.throws(() => checkFilterNames(filters, ['label']), { message: "invalid filter 'colour'" });
});

test('filters: booleans', () => {
  assert.equal(booleanFilter(parseFilters('{}'), 'd', true), true);
  assert.equal(booleanFilter(parseFilters('{"d":["1","true"]}'), 'd', false), true);
  assert.equal(booleanFilter(parseFilters('{"d":["0"]}'), 'd', true), false);
  for (const text of ['{"d":["true","false"]}', '{"d":["maybe"]}', '{"d":[]}']) {
    assert.throws(() => booleanFilter(parseFilters(text), 'd', true), { message: /^invalid filter 'd=\[.*\]'$/ });
  }
});

test('filters: values of one name are or-ed, labels and-ed', () => {
  const filters = parseFilters('{"n":["web","db"],"label":["a","b=c"],"broken":["["]}');
  assert.equal(matchesExactly(filters, 'n', 'db'), true);
  assert.equal(matchesExactly(filters, 'n', 'db2'), false);
  assert.equal(matchesPattern(filters, 'n', '/my-web-1'), true);
  assert.equal(matchesPattern(filters, 'broken', 'x'), false);
  assert.equal(matchesPattern(filters, 'absent', 'x'), true);
  assert.equal(matchesLabels(filters, 'label', { a: '', b: 'c' }), true);
  assert.equal(matchesLabels(filters, 'label', { a: '' }), false);
  assert.equal(matchesLabels(filters, 'label', null), false);
  assert.equal(lacksLabels(filters, 'label', { a: '' }), false);
  assert.equal(lacksLabels(filters, 'label', { z: '' }), true);
});
