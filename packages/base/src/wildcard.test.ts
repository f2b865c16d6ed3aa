import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createMatcher } from './ignore/pattern-matcher.ts';
import { Wildcard, type WildcardToken } from './wildcard.ts';

const letter = (wanted: string): WildcardToken => ({ kind: 'one', accepts: (found) => found === wanted });
const star: WildcardToken = { kind: 'many', accepts: () => true };
const directories: WildcardToken = { kind: 'directories' };

describe('a wildcard', () => {
  const rows: [tokens: WildcardToken[], text: string, shortest: number, longest: number][] = [
    [[], 'ab', 0, 0],
    [[letter('a')], 'ab', 1, 1],
    [[letter('b')], 'ab', -1, -1],
    [[star], 'ab', 0, 2],
    [[star, letter('a')], 'abab', 1, 3],
    [[directories, letter('a')], 'a', 1, 1],
    [[directories, letter('a')], 'x/y/a', 5, 5],
    [[directories, letter('a')], 'xa', -1, -1],
  ];
  for (const [tokens, text, shortest, longest] of rows) {
    test(`fits ${text} from ${shortest} to ${longest}`, () => {
      assert.deepEqual(new Wildcard(tokens).ends([...text], 0), { shortest, longest });
    });
  }

  test('says where something begins that fits', () => {
    assert.deepEqual(new Wildcard([letter('a'), star, letter('c')]).starts([...'abac']), [
      true,
      false,
      true,
      false,
      false,
    ]);
  });

  test('takes a hostile pattern as fast as another', () => {
    assert.equal(createMatcher([`${'*a'.repeat(40)}*b`]).matches('a'.repeat(250)), false);
    assert.equal(createMatcher([`${'**/a*'.repeat(20)}b`]).matches('a/'.repeat(200)), false);
  });
});
