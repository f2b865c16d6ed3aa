import { createHash, type Hash } from 'node:crypto';
import { S_IFMT, S_IFREG } from '@wharf/sys/file';
import { CopyFilter, type Selection, selectPaths } from './select.ts';
import { isDirectory, isSymlink, joinPath, type TreeStat, type TreeView } from './tree-view.ts';

export interface SelectionChecksum {
  /** Hexadecimal sha256 over everything that a build can see of the selected files but their times. */
  readonly digest: string;
  readonly files: number;
}

/** Told of each entry and what stands for it, so that two checksums can be compared. */
export type EntrySink = (path: string, digest: string) => void;

/**
 * The content of what a selection finds. Modification times do not count: a fresh checkout has the same content.
 * Throws ENOENT where a path without wildcard leads to nothing.
 */
export function checksumSelection(view: TreeView, selection: Selection, sink?: EntrySink): SelectionChecksum {
  const hash = createHash('sha256');
  const filter = new CopyFilter(selection);
  let files = 0;
  const add = (name: string, path: string, stat: TreeStat) => {
    const digest = describe(view, path, stat);
    hash.update(`${name}\0${digest}\0`);
    sink?.(path, digest);
    files++;
  };
  for (const { path, named } of selectPaths(view, selection)) {
    const stat = view.stat(path);
    if (!stat) continue;
    hash.update(`selected ${named}\0`);
    if (!isDirectory(stat)) {
      add('', path, stat);
      continue;
    }
    // What a directory itself is shows in its copy only where one is made of it.
    if (path !== '') add('', path, stat);
    walk(view, path, '', filter, add);
  }
  return { digest: hash.digest('hex'), files };
}

function walk(
  view: TreeView,
  directory: string,
  prefix: string,
  filter: CopyFilter,
  add: (name: string, path: string, stat: TreeStat) => void,
): void {
  for (const name of view.names(directory)) {
    const relative = joinPath(prefix, name);
    const path = joinPath(directory, name);
    const stat = view.stat(path);
    if (!stat) continue;
    if (filter.takes(relative)) add(relative, path, stat);
    if (isDirectory(stat) && filter.mayTakeBelow(relative)) walk(view, path, relative, filter, add);
  }
}

function describe(view: TreeView, path: string, stat: TreeStat): string {
  const { mode, uid, gid } = stat;
  let text = `${mode.toString(8)} ${uid} ${gid}`;
  if ((mode & S_IFMT) === S_IFREG) text += ` ${view.digest(path)}`;
  else if (isSymlink(stat)) text += ` ${stat.linkName}`;
  else if (!isDirectory(stat)) text += ` ${stat.deviceMajor}:${stat.deviceMinor}`;
  if (stat.xattrs.size === 0) return text;
  const hash: Hash = createHash('sha256');
  for (const [key, value] of stat.xattrs) hash.update(`${key}\0${value.length}\0`).update(value);
  return `${text} ${hash.digest('hex')}`;
}
