import { closeSync } from 'node:fs';
import { check } from '@wharf/sys/errno';
import { S_IFCHR, S_IFMT, S_IFREG, setTimesFile } from '@wharf/sys/file';
import { cString, syscall } from '@wharf/sys/syscall';
import { getXattrAt } from '@wharf/sys/xattr';
import { DiskView } from './disk-view.ts';
import { TargetTree } from './target-tree.ts';
import { components, isDirectory, joinPath } from './tree-view.ts';

/** Runtimes make these where they are missing; some with modes of their own. */
const mountPoints = ['proc', 'dev', 'sys'];
const opaque = cString('trusted.overlay.opaque');

/**
 * Makes what a step left in an overlay's upper directory a layer that says only what the step did: the kernel marks
 * each new directory opaque, whether or not there is anything below to hide, and the runtime leaves empty files and
 * directories where it mounted something (`stubs`).
 */
export function tidyUpper(upper: string, lowers: readonly string[], stubs: readonly string[]): void {
  const cleanup = new DisposableStack();
  try {
    const tree = cleanup.use(new TargetTree(upper));
    const below = lowers.map((directory) => cleanup.use(new DiskView(directory)));
    for (const stub of stubs) removeStub(tree, below, components(stub).join('/'));
    for (const name of mountPoints) if (!existsBelow(below, name)) tidyMountPoint(tree, name);
    clearOpaque(tree, below, '');
  } finally {
    cleanup.dispose();
  }
}

/** Only what is empty; the directory above keeps its time, or goes as well where it was made for this one. */
function removeStub(tree: TargetTree, below: readonly DiskView[], path: string): void {
  const stat = tree.stat(path);
  if (path === '' || !stat) return;
  const isFile = (stat.mode & S_IFMT) === S_IFREG && stat.size === 0;
  const isEmpty = isDirectory(stat) && tree.names(path).length === 0;
  if (!isFile && !isEmpty) return;
  const slash = path.lastIndexOf('/');
  const parent = slash < 0 ? '' : path.slice(0, slash);
  const time = tree.stat(parent)?.mtime;
  tree.remove(path);
  if (time === undefined) return;
  if (tree.names(parent).length === 0 && !existsBelow(below, parent)) removeStub(tree, below, parent);
  else tree.setDirectoryTime(parent, time);
}

function tidyMountPoint(tree: TargetTree, path: string): void {
  const stat = tree.stat(path);
  if (!stat || !isDirectory(stat) || tree.names(path).length > 0) return;
  tree.changeDirectory(path, { mode: 0o755, uid: 0, gid: 0, mtime: stat.mtime });
}

/** Only a directory that merges with one below can hold others that are marked for nothing. */
function clearOpaque(tree: TargetTree, below: readonly DiskView[], path: string): void {
  for (const name of tree.names(path)) {
    const child = joinPath(path, name);
    const stat = tree.stat(child);
    if (!stat || !isDirectory(stat)) continue;
    const merged = existsBelow(below, child);
    const fd = tree.openDirectory(child);
    try {
      const marked = getXattrAt(fd, cString('.'), opaque) !== undefined;
      if (marked && !merged) {
        check(syscall('lremovexattr', cString(`/proc/self/fd/${fd}/.`), opaque), `clear ${child}`);
        setTimesFile(fd, stat.mtime);
      }
      if (marked || !merged) continue;
    } finally {
      closeSync(fd);
    }
    clearOpaque(tree, below, child);
  }
}

/** The uppermost layer that has the name decides: a whiteout hides those below it. */
function existsBelow(below: readonly DiskView[], path: string): boolean {
  for (const view of below) {
    const stat = view.stat(path);
    if (!stat) continue;
    return !((stat.mode & S_IFMT) === S_IFCHR && stat.deviceMajor === 0 && stat.deviceMinor === 0);
  }
  return false;
}
