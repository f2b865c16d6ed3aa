import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseOsRelease } from './host.ts';

test('os-release: quotes of both kinds, none, and escapes', () => {
  const text = `PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID='12'\nID=debian\n# comment\nX="a \\"b\\""\n`;
  assert.deepEqual(parseOsRelease(text), {
    PRETTY_NAME: 'Debian GNU/Linux 12 (bookworm)',
    VERSION_ID: '12',
    ID: 'debian',
    X: 'a "b"',
  });
});
