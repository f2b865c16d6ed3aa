import type { DiskView } from './disk-view.ts';
import type { TargetTree } from './target-tree.ts';
import { isDirectory, joinPath } from './tree-view.ts';

/** The same tree again; files are hard links, so nobody may write to either of them. */
export function cloneDirectory(from: DiskView, to: TargetTree, link: (path: string) => void, path = ''): void {
  for (const name of from.names(path)) {
    const child = joinPath(path, name);
    const stat = from.stat(child)!;
    if (!isDirectory(stat)) {
      link(child);
      continue;
    }
    to.makeDirectory(child, { ...stat, mtime: stat.mtime });
    cloneDirectory(from, to, link, child);
    to.setDirectoryTime(child, stat.mtime);
  }
}
