import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Which packages a package may import. A test prints each import that points the other way. */
const below: Readonly<Record<string, readonly string[]>> = {
  base: [],
  sys: ['base'],
  oci: ['base'],
  api: ['base', 'oci'],
  store: ['base', 'sys', 'oci', 'api'],
  runtime: ['base', 'sys', 'oci', 'api'],
  network: ['base', 'sys', 'oci', 'api'],
  engine: ['base', 'sys', 'oci', 'api', 'store', 'runtime', 'network'],
  server: ['base', 'sys', 'oci', 'api', 'engine'],
  daemon: ['base', 'sys', 'oci', 'api', 'store', 'runtime', 'network', 'engine', 'server'],
  cli: ['base', 'oci', 'api'],
};

/** Modules that one package alone may use, so that the others can run without them. */
const reserved: Readonly<Record<string, readonly string[]>> = { 'bun:ffi': ['sys', 'cli'] };

export interface Violation {
  readonly file: string;
  readonly line: number;
  readonly imports: string;
}

const importLine =
  /^\s*(?:import|export)\b[^'"]*?from\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)|^\s*import\s*['"]([^'"]+)['"]/;

/** `path` is relative to the repository: `packages/sys/src/mount.ts`. */
export function checkFile(path: string, source: string): Violation[] {
  const [, name] = path.split('/');
  const allowed = below[name ?? ''];
  if (!allowed || name === undefined)
    return [{ file: path, line: 1, imports: 'a package that tools/layers.ts does not know' }];
  const violations: Violation[] = [];
  for (const [index, line] of source.split('\n').entries()) {
    const match = importLine.exec(line);
    const specifier = match?.[1] ?? match?.[2] ?? match?.[3];
    if (specifier !== undefined && !isAllowed(name, allowed, path, specifier)) {
      violations.push({ file: path, line: index + 1, imports: specifier });
    }
  }
  return violations;
}

function isAllowed(name: string, allowed: readonly string[], path: string, specifier: string): boolean {
  const target = /^@wharf\/([^/]+)/.exec(specifier)?.[1];
  if (target !== undefined) return allowed.includes(target) || (path.endsWith('.test.ts') && target === name);
  if (specifier.startsWith('.')) {
    const resolved = join(path, '..', specifier);
    return resolved.startsWith(path.split('/').slice(0, 2).join('/'));
  }
  return reserved[specifier]?.includes(name) ?? true;
}

export function checkTree(root: string, paths: Iterable<string>): Violation[] {
  return [...paths].flatMap((path) => checkFile(path, readFileSync(join(root, path), 'utf8')));
}
