import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseDockerignore } from './dockerignore.ts';
import { createMatcher } from './pattern-matcher.ts';

describe('.dockerignore', () => {
  const rows: [text: string, patterns: string[]][] = [
    ['', []],
    ['a\n\n  b  \r\n', ['a', 'b']],
    ['# comment\n #no comment', ['#no comment']],
    ['/a/', ['a']],
    ['a/../b/./c//d', ['b/c/d']],
    ['!a', ['!a']],
    ['! /a/ ', ['!a']],
    ['.', ['.']],
    ['../a', ['../a']],
    ['\uFEFFa', ['a']],
    ['**/*.go', ['**/*.go']],
  ];
  for (const [text, patterns] of rows) {
    test(JSON.stringify(text), () => assert.deepEqual(parseDockerignore(text), patterns));
  }

  const matches: [text: string, path: string, ignored: boolean][] = [
    ['*.md', 'a.md', true],
    ['*.md', 'd/a.md', false],
    ['**/*.md', 'd/a.md', true],
    ['d', 'd/a/b', true],
    ['*\n!a', 'a', false],
    ['*\n!d/a', 'd/a', false],
    ['*\n!d/a', 'd/b', true],
    ['d/**', 'd/a/b', true],
    ['a?c', 'abc', true],
    ['a?c', 'a/c', false],
    ['[a-c].txt', 'b.txt', true],
  ];
  for (const [text, path, ignored] of matches) {
    test(`${JSON.stringify(text)} ${ignored ? 'leaves out' : 'takes'} ${path}`, () => {
      assert.equal(createMatcher(parseDockerignore(text)).matches(path), ignored);
    });
  }
});
