import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseGitReference } from './git-reference.ts';

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
