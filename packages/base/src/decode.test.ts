import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as d from './decode.ts';

interface Inner {
  Count: number;
  Names: string[] | null;
}
interface Outer {
  Name: string;
  On: boolean;
  Limit: number | null;
  Inner: Inner;
  Labels: Record<string, string>;
}

const inner = d.struct<Inner>('Inner', { Count: d.integer, Names: d.list(d.text) });
const outer = d.struct<Outer>('Outer', {
  Name: d.text,
  On: d.boolean,
  Limit: d.nullable(d.integer),
  Inner: inner,
  Labels: d.map(d.text),
});
const zero: Outer = { Name: '', On: false, Limit: null, Inner: { Count: 0, Names: null }, Labels: {} };

function read(text: string): Outer {
  return d.decode(outer, d.parseJson(text));
}

describe('decode: Go rules', () => {
  const rows: [string, Partial<Outer>][] = [
    ['', {}],
    ['null', {}],
    ['{}', {}],
    ['{"name":"a","ON":true}', { Name: 'a', On: true }],
    ['{"Name":null,"Inner":null,"Labels":null,"Unknown":[1]}', {}],
    ['{"Name":"a","name":null}', { Name: 'a' }],
    ['{"Name":"a","name":"b"}', { Name: 'b' }],
    ['{"Limit":0}', { Limit: 0 }],
    ['{"Inner":{"count":-1,"Names":[]}}', { Inner: { Count: -1, Names: [] } }],
    ['{"Inner":{"Names":["a",null]}}', { Inner: { Count: 0, Names: ['a', ''] } }],
  ];
  for (const [text, expected] of rows) {
    test(text || 'an empty body', () => assert.deepEqual(read(text), { ...zero, ...expected }));
  }

  test('a key __proto__ stays data', () => {
    const { Labels } = read('{"Labels":{"__proto__":"x"}}');
    assert.deepEqual(Object.keys(Labels), ['__proto__']);
    assert.equal(Object.getPrototypeOf(Labels), Object.prototype);
  });

  test('a lone string where Go has a strslice', () => {
    assert.deepEqual(d.textsOrText('echo', ''), ['echo']);
    assert.deepEqual(d.textsOrText(null, ''), null);
    assert.deepEqual(d.textsOrText(['a'], ''), ['a']);
  });
});

describe('decode: refusals', () => {
  const rows: [string, string][] = [
    ['{"Name":1}', 'json: cannot unmarshal number into Go struct field Outer.Name of type string'],
    ['{"Inner":{"Count":"1"}}', 'json: cannot unmarshal string into Go struct field Outer.Inner.Count of type int64'],
    [
      '{"Inner":{"Count":1.5}}',
      'json: cannot unmarshal number 1.5 into Go struct field Outer.Inner.Count of type int64',
    ],
    ['{"Inner":[]}', 'json: cannot unmarshal array into Go struct field Outer.Inner of type Inner'],
    ['[]', 'json: cannot unmarshal array into Go value of type Outer'],
    ['"x"', 'json: cannot unmarshal string into Go value of type Outer'],
    ['{"Labels":true}', 'json: cannot unmarshal bool into Go struct field Outer.Labels of type map[string]'],
    ['{} {}', 'unexpected content after JSON'],
    ['{}x', 'unexpected content after JSON'],
    ['{', 'invalid JSON: unexpected EOF'],
    ['{"Name":"a', 'invalid JSON: unexpected EOF'],
    ['x', "invalid JSON: invalid character 'x' looking for beginning of value"],
    ['{a:1}', "invalid JSON: invalid character 'a' looking for beginning of object key string"],
    ['{"a" 1}', "invalid JSON: invalid character '1' after object key"],
    ['{"a":1 "b":2}', `invalid JSON: invalid character '"' after object key:value pair`],
    ['[1 2]', "invalid JSON: invalid character '2' after array element"],
    ['{"a":1,}', "invalid JSON: invalid character '}' looking for beginning of object key string"],
    ['{"a":tru}', "invalid JSON: invalid character '}' in literal true (expecting 'e')"],
    ['{"a":"\\x"}', "invalid JSON: invalid character 'x' in string escape code"],
    ['{"a":-}', "invalid JSON: invalid character '}' in numeric literal"],
  ];
  for (const [text, message] of rows) {
    test(text, () => assert.throws(() => read(text), { code: 'invalid_argument', message }));
  }

  test('a million nested arrays are refused, not a crash', () => {
    assert.throws(() => read('['.repeat(1_000_000)), { code: 'invalid_argument' });
  });
});
