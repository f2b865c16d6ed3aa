import { posix } from 'node:path';

/** From the working directory, with the slash at the end kept: it says that a directory is meant. */
export function destinationPath(cwd: string, path: string): string {
  const wanted = path === '' || path === '.' ? './' : path;
  const joined = posix.normalize(wanted.startsWith('/') ? wanted : posix.join('/', cwd, wanted));
  return /(?:^|\/)\.?$/.test(wanted) && !joined.endsWith('/') ? `${joined}/` : joined;
}

/** Within a root: nothing leads above it. */
export function rootedPath(path: string): string {
  return posix.normalize(posix.join('/', path)).replace(/(?<=.)\/$/, '');
}

/** What a client is to send: undefined where it is everything. */
export function neededPaths(paths: Iterable<string>): readonly string[] {
  const all = [...paths];
  if (all.length === 0 || all.includes('/')) return [];
  return all.map((path) => path.slice(1)).sort();
}
