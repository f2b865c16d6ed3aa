import { copyEntry } from './diff-trees.ts';
import type { DiskView } from './disk-view.ts';
import type { TargetTree } from './target-tree.ts';
import { isDirectory, joinPath } from './tree-view.ts';

export interface CloneOptions {
  /** Makes a hard link of the entry in the other directory. */
  readonly link: (path: string) => void;
  /** Nanoseconds since 1970: what is younger gets this time. */
  readonly latest: bigint | undefined;
}

/**
 * The same tree again; files are hard links, so nobody may write to either of them, but for those that get another
 * time. What hides lower layers does so again.
 */
export function cloneDirectory(from: DiskView, to: TargetTree, options: CloneOptions): void {
  const { link, latest } = options;
  /** By inode, where the files of one became others. */
  const copies = new Map<bigint | number, string>();
  cloneBelow('');

  function cloneBelow(path: string): void {
    for (const name of from.names(path)) {
      const child = joinPath(path, name);
      const stat = from.stat(child)!;
      const isYounger = latest !== undefined && stat.mtime > latest;
      const mtime = isYounger ? latest : stat.mtime;
      if (isDirectory(stat)) {
        to.makeDirectory(child, { ...stat, mtime });
        if (from.isOpaque(child)) to.makeOpaque(child);
        cloneBelow(child);
        to.setDirectoryTime(child, mtime);
        continue;
      }
      const copy = isYounger ? copies.get(stat.inode) : undefined;
      if (!isYounger) link(child);
      else if (copy === undefined || !to.link(copy, child)) copyEntry(from, to, child, { ...stat, mtime });
      if (isYounger && stat.nlink > 1) copies.set(stat.inode, child);
    }
  }
}
