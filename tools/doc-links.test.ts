import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { Glob } from 'bun';
import { brokenLinks } from './doc-links.ts';

test('links and paths in the documents lead somewhere', () => {
  const root = join(import.meta.dirname, '..');
  const documents = [...new Glob('{*.md,{docs,packages,apps,test,bench}/**/*.md}').scanSync(root)];
  const broken = documents.filter((path) => !path.includes('node_modules')).flatMap((path) => brokenLinks(root, path));
  assert.deepEqual(broken, []);
});
