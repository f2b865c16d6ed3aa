import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Glob } from 'bun';
import { checkFile, checkTree } from './layers.ts';

describe('import directions', () => {
  test('no file of the project imports against them', () => {
    const root = join(import.meta.dirname, '..');
    const violations = checkTree(root, new Glob('{packages,apps}/*/src/**/*.ts').scanSync(root));
    assert.deepEqual(
      violations.map(({ file, line, imports }) => `${file}:${line} imports ${imports}`),
      [],
    );
  });

  const rows: [path: string, line: string, violations: number][] = [
    ['packages/sys/src/mount.ts', "import { x } from '@wharf/base/error';", 0],
    ['packages/sys/src/mount.ts', "import { x } from '@wharf/engine/engine';", 1],
    ['packages/sys/src/mount.ts', "  const x = await import('@wharf/store/images');", 1],
    ['packages/store/src/a.ts', "import { x } from '@wharf/network/networking';", 1],
    ['packages/store/src/a.ts', "export { x } from '../../network/src/networking.ts';", 1],
    ['packages/store/src/a.ts', "import { x } from '../images/b.ts';", 0],
    ['apps/cli/src/a.ts', "import type { x } from '@wharf/engine/engine';", 1],
    ['packages/engine/src/a.ts', "import { dlopen } from 'bun:ffi';", 1],
    ['packages/sys/src/a.ts', "import { dlopen } from 'bun:ffi';", 0],
    ['packages/registry/src/server/a.ts', "import { x } from '@wharf/store/content/content-store';", 0],
    ['packages/registry/src/server/a.ts', "import { x } from '../client/b.ts';", 0],
    ['packages/registry/src/client/a.ts', "import { x } from '@wharf/store/content/content-store';", 1],
    ['packages/registry/src/client/a.ts', "import { x } from '../server/b.ts';", 1],
    ['packages/registry/src/client/a.ts', "import { x } from './b.ts';", 0],
    ['apps/cli/src/a.ts', "import { x } from '@wharf/registry/client/b';", 0],
    ['apps/cli/src/a.ts', "import { x } from '@wharf/registry/server/b';", 1],
    ['packages/nobody/src/a.ts', '', 1],
  ];
  for (const [path, line, violations] of rows) {
    test(`${path}: ${line || 'any'} is ${violations === 0 ? 'allowed' : 'refused'}`, () => {
      assert.equal(checkFile(path, line).length, violations);
    });
  }
});
