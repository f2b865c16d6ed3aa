import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createMatcher } from './pattern-matcher.ts';

describe('patterns match as in .dockerignore', () => {
  const rows: [patterns: string[], path: string, matches: boolean][] = [
    [['a'], 'a', true],
    [['a'], 'a/b', true],
    [['a'], 'b/a', false],
    [['/a/'], 'a/b', true],
    [['*'], 'a', true],
    [['*'], 'a/b', true],
    [['*/b'], 'a/b', true],
    [['*/b'], 'b', false],
    [['*/b'], 'x/y/b', false],
    [['**/b'], 'b', true],
    [['**/b'], 'x/y/b', true],
    [['**/b'], 'x/bb', false],
    [['a/**'], 'a/b/c', true],
    [['a/**'], 'a', false],
    [['a/**/b'], 'a/b', true],
    [['a/**/b'], 'a/x/y/b', true],
    [['**'], 'a/b', true],
    [['**/*.go'], 'x/y.go', true],
    [['**/*.go'], 'y.gox', false],
    [['*.md', '!README.md'], 'README.md', false],
    [['*.md', '!README.md'], 'OTHER.md', true],
    [['*', '!a/b'], 'a/b', false],
    [['*', '!a/b'], 'a/c', true],
    [['!a', 'a'], 'a', true],
    [['a?c'], 'abc', true],
    [['a?c'], 'a/c', false],
    [['[a-c]x'], 'bx', true],
    [['[^a-c]x'], 'bx', false],
    [['[^a]x'], '/x', false],
    [['a\\*'], 'a*', true],
    [['a\\*'], 'ab', false],
    [['a+b'], 'a+b', true],
    [['a-b'], 'a-b', true],
    [['[\\]a]'], ']', true],
    [['ä?'], 'äö', true],
    [['./a/../b'], 'b', true],
    [['.'], 'a', false],
    [['docs/*', '!docs/keep', 'docs/keep/not'], 'docs/keep/not', true],
  ];
  for (const [patterns, path, matches] of rows) {
    test(`${JSON.stringify(patterns)} ${matches ? 'matches' : 'spares'} ${path}`, () => {
      assert.equal(createMatcher(patterns).matches(path), matches);
    });
  }

  for (const pattern of ['[', '[a', 'a\\', '[]', '[-a]', '[a-]']) {
    test(`${pattern} is no pattern`, () => {
      assert.throws(() => createMatcher([pattern]), /syntax error in pattern/);
    });
  }
});
