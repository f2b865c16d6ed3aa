import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { familiarName, formatCanonical, formatFamiliar, parseReference, withDefaultTag } from './reference.ts';

const digest = `sha256:${'a'.repeat(64)}`;

describe('references', () => {
  const accepted: [text: string, canonical: string, familiar: string][] = [
    ['busybox', 'docker.io/library/busybox', 'busybox'],
    ['busybox:1', 'docker.io/library/busybox:1', 'busybox:1'],
    ['library/busybox', 'docker.io/library/busybox', 'busybox'],
    ['index.docker.io/busybox', 'docker.io/library/busybox', 'busybox'],
    ['user/app:v1.2_x-y', 'docker.io/user/app:v1.2_x-y', 'user/app:v1.2_x-y'],
    ['docker.io/user/app', 'docker.io/user/app', 'user/app'],
    ['docker.io/library/a/b', 'docker.io/library/a/b', 'library/a/b'],
    ['localhost/app', 'localhost/app', 'localhost/app'],
    ['localhost:5000/a/b:t', 'localhost:5000/a/b:t', 'localhost:5000/a/b:t'],
    ['[::1]:5000/app', '[::1]:5000/app', '[::1]:5000/app'],
    ['REGISTRY/app', 'REGISTRY/app', 'REGISTRY/app'],
    ['host.example/a__b/c-d.e', 'host.example/a__b/c-d.e', 'host.example/a__b/c-d.e'],
    [`busybox@${digest}`, `docker.io/library/busybox@${digest}`, `busybox@${digest}`],
    [`busybox:1@${digest}`, `docker.io/library/busybox:1@${digest}`, `busybox:1@${digest}`],
  ];
  for (const [text, canonical, familiar] of accepted) {
    test(`${text} is ${canonical}`, () => {
      assert.equal(formatCanonical(parseReference(text)), canonical);
      assert.equal(formatFamiliar(parseReference(text)), familiar);
    });
  }

  const refused: [text: string, message: RegExp][] = [
    ['', /^invalid reference format$/],
    ['Busybox', /^invalid reference format: repository name \(library\/Busybox\) must be lowercase$/],
    ['a/B/c', /must be lowercase$/],
    ['-a', /^invalid reference format$/],
    ['a//b', /^invalid reference format$/],
    ['a:', /^invalid reference format$/],
    ['a:-tag', /^invalid reference format$/],
    [`a:${'t'.repeat(129)}`, /^invalid reference format$/],
    ['a@sha256:abc', /^invalid reference format$/],
    ['a b', /^invalid reference format$/],
    ['../etc', /^invalid reference format$/],
    ['a@md5:0123456789abcdef0123456789abcdef', /^unsupported digest algorithm$/],
    ['a'.repeat(300), /^repository name must not be more than 255 characters$/],
    ['f'.repeat(64), /cannot specify 64-byte hexadecimal strings$/],
  ];
  for (const [text, message] of refused) {
    test(`${JSON.stringify(text.slice(0, 40))} is refused`, () => {
      assert.throws(() => parseReference(text), { code: 'invalid_argument', message });
    });
  }

  test('latest is added only where there is neither tag nor digest', () => {
    assert.equal(formatFamiliar(withDefaultTag(parseReference('a'))), 'a:latest');
    assert.equal(formatFamiliar(withDefaultTag(parseReference(`a@${digest}`))), `a@${digest}`);
    assert.equal(familiarName(parseReference('docker.io/library/a:1')), 'a');
  });
});
