import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checkFilter, filtersQuery, parseKeyValueFile, splitCsv, toMap } from './key-values.ts';

describe('key-value files', () => {
  const lookup = (name: string) => (name === 'HOME' ? '/home/me' : undefined);
  test('comments, blank lines and variables of the caller', () => {
    const content = '\uFEFFA=1\r\n# no\n\n  B=2=3\nHOME\nNOWHERE\nEMPTY=\n';
    assert.deepEqual(parseKeyValueFile(content, lookup), ['A=1', 'B=2=3', 'HOME=/home/me', 'EMPTY=']);
  });
  for (const [line, message] of [
    ['a b=1', "variable 'a b' contains whitespaces"],
    ['=x', "no variable name on line '=x'"],
  ] as const) {
    test(line, () => assert.throws(() => parseKeyValueFile(line, lookup), { message }));
  }
});

test('filters of one name are gathered', () => {
  assert.equal(
    filtersQuery(['label=a=b', 'Label=c', 'status=exited']),
    '{"label":{"a=b":true,"c":true},"status":{"exited":true}}',
  );
  assert.equal(filtersQuery([]), undefined);
  assert.throws(() => checkFilter('foo'), { message: 'bad format of filter (expected name=value)' });
});

test('pairs become a map, the last one wins', () => {
  assert.deepEqual(toMap(['a=1', 'b', 'a=2=3']), { a: '2=3', b: '' });
});

describe('comma separated values', () => {
  for (const [line, fields] of [
    ['a,b', ['a', 'b']],
    ['a,,b,', ['a', '', 'b', '']],
    ['"a,b",c', ['a,b', 'c']],
    ['"a""b"', ['a"b']],
  ] as const) {
    test(line, () => assert.deepEqual(splitCsv(line), fields));
  }
  test('a quote in the middle is refused', () => assert.throws(() => splitCsv('a"b'), /bare " in non-quoted-field/));
});
