import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createMatcher } from '../trees/pattern-matcher.ts';
import { parseDockerignore } from './dockerignore.ts';
import { parseGitReference } from './git-reference.ts';

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

describe('a repository', () => {
  const rows: [text: string, parts: [remote: string, ref: string, subdirectory: string] | undefined][] = [
    ['https://github.com/a/b.git', ['https://github.com/a/b.git', '', '']],
    ['https://github.com/a/b.git#main:dir', ['https://github.com/a/b.git', 'main', 'dir']],
    ['https://github.com/a/b.git#:dir', ['https://github.com/a/b.git', '', 'dir']],
    ['https://github.com/a/b.git?tag=v1&subdir=x', ['https://github.com/a/b.git', 'refs/tags/v1', 'x']],
    ['git@github.com:a/b.git', ['git@github.com:a/b.git', '', '']],
    ['git@github.com:a/b#main', ['git@github.com:a/b', 'main', '']],
    ['ssh://git@host/a/b', ['ssh://git@host/a/b', '', '']],
    ['git://host/a', ['git://host/a', '', '']],
    ['github.com/a/b', ['https://github.com/a/b', '', '']],
    ['https://github.com/a/b', undefined],
    ['https://x/y.tar.gz', undefined],
    ['./local', undefined],
    ['local:dir', undefined],
  ];
  for (const [text, parts] of rows) {
    test(text, () => {
      const found = parseGitReference(text);
      assert.deepEqual(found && [found.remote, found.ref, found.subdirectory], parts);
    });
  }
});
