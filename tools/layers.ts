import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Which packages a package may import. A test prints each import that points the other way. */
const below: Readonly<Record<string, readonly string[]>> = {
  base: [],
  sys: ['base'],
  oci: ['base'],
  api: ['base', 'oci'],
  plugins: ['base'],
  store: ['base', 'sys', 'oci', 'api', 'plugins'],
  runtime: ['base', 'sys', 'oci', 'api', 'plugins'],
  network: ['base', 'sys', 'oci', 'api', 'plugins'],
  registry: ['base', 'sys', 'oci', 'api', 'store', 'registry/client'],
  // What speaks to registries is the client's as well: `wharf manifest` asks them without a daemon.
  'registry/client': ['base', 'oci', 'api'],
  build: [
    'base',
    'sys',
    'oci',
    'api',
    'store',
    'registry',
    'registry/client',
    'runtime',
    'network',
    'build/pb',
    'build/grpc',
  ],
  'build/pb': ['build/pb'],
  'build/grpc': ['base', 'build/pb', 'build/grpc'],
  // What a client of BuildKit's API needs.
  'build/client': ['base', 'oci', 'api', 'build/pb', 'build/grpc', 'build/client'],
  engine: [
    'base',
    'sys',
    'oci',
    'api',
    'plugins',
    'store',
    'registry',
    'registry/client',
    'runtime',
    'network',
    'build',
  ],
  server: ['base', 'sys', 'oci', 'api', 'plugins', 'engine'],
  daemon: [
    'base',
    'sys',
    'oci',
    'api',
    'plugins',
    'store',
    'registry',
    'registry/client',
    'runtime',
    'network',
    'build',
    'engine',
    'server',
  ],
  'apps/registry': ['base', 'registry', 'registry/client'],
  cli: ['base', 'oci', 'api', 'registry/client', 'build/pb', 'build/grpc', 'build/client'],
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
  const name = ownerOf(path);
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

function ownerOf(path: string): string | undefined {
  const [top, folder, , inner] = path.split('/');
  // One application shares its name with a package.
  return `${top}/${folder}` in below ? `${top}/${folder}` : packageOf(folder, inner);
}

/** A folder with directions of its own counts as a package. */
function packageOf(name: string | undefined, folder: string | undefined): string | undefined {
  return `${name}/${folder}` in below ? `${name}/${folder}` : name;
}

function isAllowed(name: string, allowed: readonly string[], path: string, specifier: string): boolean {
  const [, target, folder] = /^@wharf\/([^/]+)\/([^/]+)/.exec(specifier) ?? [];
  const imported = packageOf(target, folder);
  if (imported !== undefined) return allowed.includes(imported) || (path.endsWith('.test.ts') && imported === name);
  if (specifier.startsWith('.')) {
    const target = join(path, '..', specifier);
    const within = ownerOf(target);
    const isNear = target.split('/')[1] === path.split('/')[1];
    return within === name || (within !== undefined && isNear && allowed.includes(within));
  }
  return reserved[specifier]?.includes(name) ?? true;
}

export function checkTree(root: string, paths: Iterable<string>): Violation[] {
  return [...paths].flatMap((path) => checkFile(path, readFileSync(join(root, path), 'utf8')));
}
