import { closeSync } from 'node:fs';
import { posix } from 'node:path';
import { invalidArgument } from '@wharf/base/error';
import { S_IFMT, S_IFREG, S_IFSOCK } from '@wharf/sys/file';
import type { DiskView } from './disk-view.ts';
import type { ModeChange } from './mode-change.ts';
import { CopyFilter, type Selected, type Selection } from './select.ts';
import type { Attributes } from './set-attributes.ts';
import type { TargetTree } from './target-tree.ts';
import { isDirectory, isSymlink, joinPath, resolvePath, shownName, type TreeStat } from './tree-view.ts';

export interface CopyOptions extends Pick<Selection, 'includePatterns' | 'excludePatterns'> {
  /** Byte string; a trailing slash names a directory. */
  readonly destination: string;
  /** Of a directory the content is copied, not the directory itself. */
  readonly contents: boolean;
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
  readonly changeMode: ModeChange | undefined;
  readonly mtime: bigint | undefined;
  /** What is in the way goes, of whatever kind. */
  readonly replace: boolean;
}

/** Copies what was selected, as BuildKit's COPY: existing directories are merged with, files replaced. */
export function copySelected(source: DiskView, selected: Selected, target: TargetTree, options: CopyOptions): void {
  const { destination } = options;
  const parents = newParent(options);
  const end = destination.endsWith('/') || destination.endsWith('/.') ? destination : posix.dirname(destination);
  target.makeDirectories(end, parents);
  const stat = source.stat(selected.path);
  if (!stat) return;
  let place = resolvePath(target, destination, { followLast: true });
  const there = target.stat(place);
  const fromDirectory = isDirectory(stat);
  if (fromDirectory && options.contents) {
    if (!there) target.makeDirectories(place, parents);
  } else if (there && isDirectory(there)) {
    const name = posix.basename(selected.named);
    place = name === '' ? place : joinPath(place, name);
  }
  new TreeCopy(source, target, options).copy(selected.path, place, stat);
}

function newParent({ owner, mtime }: CopyOptions): Attributes {
  return { mode: 0o755, uid: owner?.uid ?? 0, gid: owner?.gid ?? 0, mtime };
}

class TreeCopy {
  readonly #source: DiskView;
  readonly #target: TargetTree;
  readonly #options: CopyOptions;
  readonly #filter: CopyFilter;
  /** First copies of files that have several names. */
  readonly #links = new Map<bigint, string>();

  constructor(source: DiskView, target: TargetTree, options: CopyOptions) {
    this.#source = source;
    this.#target = target;
    this.#options = options;
    this.#filter = new CopyFilter(options);
  }

  copy(path: string, place: string, stat: TreeStat): void {
    if (!isDirectory(stat)) {
      this.#entry(path, place, stat);
      return;
    }
    // An existing directory at the top keeps its attributes but for its time; those below take the copied ones.
    this.#openPlace(place, stat);
    this.#content(path, place, '');
    this.#target.setDirectoryTime(place, this.#attributes(stat).mtime!);
  }

  /** True where the directory is new. */
  #openPlace(place: string, stat: TreeStat): boolean {
    const there = place === '' ? undefined : this.#target.stat(place);
    if (place === '' || (there && isDirectory(there))) return false;
    if (there) {
      if (!this.#options.replace) throw invalidArgument(`cannot copy to non-directory: ${shownName(`/${place}`)}`);
      this.#target.remove(place);
    }
    this.#target.makeDirectory(place, this.#attributes(stat));
    return true;
  }

  #content(path: string, place: string, prefix: string, prepare: () => void = () => {}): void {
    for (const name of this.#source.names(path)) {
      const relative = joinPath(prefix, name);
      const from = joinPath(path, name);
      const to = joinPath(place, name);
      const stat = this.#source.stat(from);
      if (!stat) continue;
      const taken = this.#filter.takesAll || this.#filter.takes(relative);
      if (!isDirectory(stat)) {
        if (!taken) continue;
        prepare();
        this.#entry(from, to, stat);
        continue;
      }
      if (taken) prepare();
      else if (!this.#filter.mayTakeBelow(relative)) continue;
      this.#directory(from, to, relative, stat, taken, prepare);
    }
  }

  /** One that is not taken itself is made when something below it is. */
  #directory(from: string, to: string, relative: string, stat: TreeStat, taken: boolean, prepare: () => void): void {
    let ready = false;
    const make = () => {
      if (ready) return;
      ready = true;
      prepare();
      if (!this.#openPlace(to, stat)) this.#target.changeDirectory(to, this.#attributes(stat));
    };
    if (taken) make();
    this.#content(from, to, relative, make);
    if (ready) this.#target.setDirectoryTime(to, this.#attributes(stat).mtime!);
  }

  #entry(from: string, place: string, stat: TreeStat): void {
    const kind = stat.mode & S_IFMT;
    if (kind === S_IFSOCK) return;
    this.#clear(place);
    const attributes = this.#attributes(stat);
    if (isSymlink(stat)) {
      this.#target.symlink(stat.linkName, place, attributes);
      return;
    }
    if (this.#linked(stat, place)) return;
    if (kind !== S_IFREG) {
      this.#target.node(stat, place, attributes);
      return;
    }
    const fd = this.#source.openFile(from);
    try {
      this.#target.copyFile(fd, stat.size, place, attributes);
    } finally {
      closeSync(fd);
    }
  }

  #clear(place: string): void {
    const there = this.#target.stat(place);
    if (!there) return;
    if (!isDirectory(there)) this.#target.unlink(place);
    else if (this.#options.replace) this.#target.remove(place);
    else throw invalidArgument(`cannot replace to directory ${shownName(`/${place}`)} with file`);
  }

  #linked(stat: TreeStat, place: string): boolean {
    const { inode, nlink } = stat as TreeStat & { inode?: bigint; nlink?: number };
    if (inode === undefined || nlink === undefined || nlink < 2) return false;
    const first = this.#links.get(inode);
    if (first !== undefined) return this.#target.link(first, place);
    this.#links.set(inode, place);
    return false;
  }

  #attributes(stat: TreeStat): Attributes {
    const { owner, changeMode, mtime } = this.#options;
    const mode =
      changeMode && !isSymlink(stat) ? changeMode(stat.mode & 0o7777, isDirectory(stat)) : stat.mode & 0o7777;
    return {
      mode: (stat.mode & S_IFMT) | mode,
      uid: owner?.uid ?? stat.uid,
      gid: owner?.gid ?? stat.gid,
      mtime: mtime ?? stat.mtime,
      xattrs: stat.xattrs,
    };
  }
}
