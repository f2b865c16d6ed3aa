import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDigest } from './digest.ts';
import { digestOf } from './digest-of.ts';

test('digests: whole sha256 only', () => {
  const digest = digestOf('');
  assert.equal(digest, 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  assert.equal(parseDigest(digest), digest);
  for (const text of [
    '',
    'e3b0',
    'sha256:',
    'sha256:E3',
    `${digest}0`,
    digest.toUpperCase(),
    `md5:${digest.slice(7)}`,
  ]) {
    assert.throws(() => parseDigest(text), { code: 'invalid_argument' });
  }
});
