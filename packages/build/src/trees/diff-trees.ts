import { closeSync } from 'node:fs';
import { check } from '@wharf/sys/errno';
import { S_IFCHR, S_IFMT, S_IFREG } from '@wharf/sys/file';
import type { DiskView } from './disk-view.ts';
import type { Attributes } from './set-attributes.ts';
import type { TargetTree } from './target-tree.ts';
import { isDirectory, isSymlink, joinPath, plainStat, type TreeStat } from './tree-view.ts';

const whiteout = plainStat(S_IFCHR);

/** Writes the layer that makes `upper` of `lower`: new and changed entries, and whiteouts for what is gone. */
export function diffTrees(lower: DiskView, upper: DiskView, to: TargetTree, path = ''): boolean {
  const before = new Set(namesOf(lower, path));
  let changed = false;
  const open = opener(upper, to, path);
  for (const name of upper.names(path)) {
    const child = joinPath(path, name);
    const stat = upper.stat(child)!;
    const old = before.delete(name) ? lower.stat(child) : undefined;
    if (isDirectory(stat)) {
      if (old && isDirectory(old)) {
        if (!sameAttributes(old, stat)) {
          open();
          copyEntry(upper, to, child, stat);
          changed = true;
        }
        if (diffTrees(lower, upper, to, child)) changed = true;
        continue;
      }
      open();
      copyAll(upper, to, child, stat);
      changed = true;
      continue;
    }
    if (old && sameAttributes(old, stat) && sameContent(lower, upper, child, old, stat)) continue;
    open();
    copyEntry(upper, to, child, stat);
    changed = true;
  }
  for (const name of before) {
    open();
    to.node(whiteout, joinPath(path, name), { mode: S_IFCHR, uid: 0, gid: 0, mtime: 0n });
    changed = true;
  }
  return changed;
}

/** Makes the directory in the layer, and those above it, when the first change needs it. */
function opener(upper: DiskView, to: TargetTree, path: string): () => void {
  return () => {
    let here = '';
    for (const name of path.split('/').filter(Boolean)) {
      here = joinPath(here, name);
      if (!to.stat(here)) to.makeDirectory(here, attributesOf(upper.stat(here)!));
    }
  };
}

function copyAll(upper: DiskView, to: TargetTree, path: string, stat: TreeStat): void {
  copyEntry(upper, to, path, stat);
  for (const name of upper.names(path)) {
    const child = joinPath(path, name);
    const childStat = upper.stat(child)!;
    if (isDirectory(childStat)) copyAll(upper, to, child, childStat);
    else copyEntry(upper, to, child, childStat);
  }
  to.setDirectoryTime(path, stat.mtime);
}

/** The entry alone, with attributes as told. */
export function copyEntry(upper: DiskView, to: TargetTree, path: string, stat: TreeStat): void {
  const attributes = attributesOf(stat);
  if (isDirectory(stat)) {
    if (to.stat(path)) to.changeDirectory(path, attributes);
    else to.makeDirectory(path, attributes);
  } else if (isSymlink(stat)) to.symlink(stat.linkName, path, attributes);
  else if ((stat.mode & S_IFMT) === S_IFREG) {
    const fd = check(upper.openFile(path), `open ${path}`);
    try {
      to.copyFile(fd, stat.size, path, attributes);
    } finally {
      closeSync(fd);
    }
  } else to.node(stat, path, attributes);
}

function attributesOf({ mode, uid, gid, mtime, xattrs }: TreeStat): Attributes {
  return { mode, uid, gid, mtime, xattrs };
}

function namesOf(view: DiskView, path: string): readonly string[] {
  const stat = view.stat(path);
  return stat && isDirectory(stat) ? view.names(path) : [];
}

function sameAttributes(a: TreeStat, b: TreeStat): boolean {
  if (a.mode !== b.mode || a.uid !== b.uid || a.gid !== b.gid || a.linkName !== b.linkName) return false;
  if (a.deviceMajor !== b.deviceMajor || a.deviceMinor !== b.deviceMinor || a.xattrs.size !== b.xattrs.size)
    return false;
  return [...a.xattrs].every(([key, value]) => Buffer.from(value).equals(b.xattrs.get(key) ?? Buffer.alloc(0)));
}

/** As containerd's differ: equal size and time are equal content, unless the time has no fraction. */
function sameContent(lower: DiskView, upper: DiskView, path: string, a: TreeStat, b: TreeStat): boolean {
  if ((b.mode & S_IFMT) !== S_IFREG) return true;
  if (a.size !== b.size) return false;
  if (a.mtime === b.mtime && a.mtime % 1_000_000_000n !== 0n) return true;
  return a.mtime === b.mtime && lower.digest(path) === upper.digest(path);
}
