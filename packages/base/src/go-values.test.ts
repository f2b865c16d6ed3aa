import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseGoBoolean, parseGoInteger } from './go-values.ts';

describe('what Go takes for a boolean and a number', () => {
  for (const [text, value] of [
    ['1', true],
    ['True', true],
    ['f', false],
    ['FALSE', false],
  ] as const) {
    test(text, () => assert.equal(parseGoBoolean(text), value));
  }
  for (const text of ['', 'yes', 'tRUE', '2']) {
    test(`not ${JSON.stringify(text)}`, () => {
      assert.throws(() => parseGoBoolean(text), { message: `strconv.ParseBool: parsing "${text}": invalid syntax` });
    });
  }
  test('-12', () => assert.equal(parseGoInteger('-12'), -12));
  for (const text of ['', '1.5', '0x1', '1 ']) {
    test(`no number: ${JSON.stringify(text)}`, () => {
      assert.throws(() => parseGoInteger(text), { message: `strconv.Atoi: parsing "${text}": invalid syntax` });
    });
  }
});
