import { lstatSync, readdirSync, readlinkSync, type Stats } from 'node:fs';
import { dirname, join } from 'node:path/posix';
import { parsePathPattern } from '@wharf/base/ignore/pattern-matcher';

const mostLinks = 255;

/**
 * The paths that a build asks for (they may have wildcards) with all that links on their way lead to, inside `root`.
 * undefined where that is everything.
 */
export function followLinks(root: string, paths: readonly string[]): string[] | undefined {
  const found = new Set<string>();
  const pending = paths.map(cleaned);
  for (let links = 0; pending.length > 0; ) {
    const path = pending.pop()!;
    if (path === '') return undefined;
    if (found.has(path)) continue;
    found.add(path);
    for (const target of targetsOf(root, path)) {
      if (++links > mostLinks) throw new Error(`too many links in ${path}`);
      pending.push(target);
    }
  }
  return [...found];
}

/** Inside the root whatever it says. */
function cleaned(path: string): string {
  return join('/', path).replace(/^\/+|\/+$/g, '');
}

/** Where each link that a path goes over leads, with what follows it. */
function targetsOf(root: string, path: string): string[] {
  const names = path.split('/');
  const targets: string[] = [];
  let directories = [''];
  for (const [index, name] of names.entries()) {
    const next: string[] = [];
    for (const directory of directories) {
      for (const child of childrenOf(root, directory, name)) {
        const below = directory === '' ? child : `${directory}/${child}`;
        const stat = tryStat(join(root, below));
        if (stat?.isDirectory()) next.push(below);
        if (!stat?.isSymbolicLink()) continue;
        const rest = names.slice(index + 1).join('/');
        const to = readlinkSync(join(root, below));
        const absolute = to.startsWith('/') ? to : join('/', dirname(below), to);
        targets.push(cleaned(join(absolute, rest)));
      }
    }
    directories = next;
  }
  return targets;
}

function childrenOf(root: string, directory: string, name: string): string[] {
  if (!/[*?[\\]/.test(name)) return [name];
  const pattern = parsePathPattern(name);
  try {
    return readdirSync(join(root, directory)).filter((child) => pattern.test(child));
  } catch {
    return [];
  }
}

function tryStat(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}
