import { createHash, type Hash } from 'node:crypto';
import { closeSync } from 'node:fs';
import { EngineError, invalidArgument } from '@wharf/base/error';
import { removeEntry } from '@wharf/store/trees/remove-entry';
import { check } from '@wharf/sys/errno';
import {
  chmodFile,
  chownAt,
  chownFile,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_RDONLY,
  O_WRONLY,
  openDirectory,
  S_IFBLK,
  S_IFCHR,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  setTimesAt,
  setTimesFile,
  tryLinkAt,
  tryMkdirAt,
  tryOpenAt,
  tryRenameAt,
  tryStatAt,
  trySymlinkAt,
  writeAt,
} from '@wharf/sys/file';
import { cString } from '@wharf/sys/syscall';
import type { ReceivedEntry, ReceivedTree } from '../solver/session.ts';
import { setAttributes } from '../trees/set-attributes.ts';
import { byteName, isDirectory, type TreeStat } from '../trees/tree-view.ts';
import { fromGoFileMode } from './go-file-mode.ts';
import { emptyDirectory, type IndexNode, identityOf, TreeIndex } from './tree-index.ts';

interface OpenDirectory {
  readonly path: string;
  readonly fd: number;
  readonly before: IndexNode | undefined;
  readonly node: IndexNode;
  changed: boolean;
}

interface Incoming {
  readonly fd: number;
  readonly temporary: string;
  readonly hash: Hash;
  readonly stat: TreeStat;
  offset: number;
}

interface Link {
  readonly path: string;
  readonly target: string;
  readonly stat: TreeStat;
}

/**
 * Brings a directory on disk up to what a client has. The new index grows beside the old one: entries come in walk
 * order, so the directories above the present one are all that has to be open. Every path is checked against the new
 * index before the disk is touched, and no link is ever followed.
 */
export class DirectoryUpdate implements ReceivedTree {
  readonly #incoming: number;
  readonly #index: TreeIndex;
  readonly #stack: OpenDirectory[];
  readonly #files = new Map<string, Incoming>();
  readonly #links: Link[] = [];
  #count = 0;
  #received = 0;
  #changed = false;
  #closed = false;

  /** `directory` holds what `before` says; `incoming` is an empty directory beside it. */
  constructor(directory: string, incoming: string, before: TreeIndex) {
    this.#incoming = openDirectory(cString(incoming));
    this.#index = new TreeIndex({ ...emptyDirectory(), mode: before.root.mode });
    const root = { path: '', fd: openDirectory(cString(directory)), before: before.root, node: this.#index.root };
    this.#stack = [{ ...root, changed: false }];
  }

  /** Bytes that came. */
  get received(): number {
    return this.#received;
  }

  /** True where anything differs from before. */
  get changed(): boolean {
    return this.#changed;
  }

  get index(): TreeIndex {
    return this.#index;
  }

  entry(entry: ReceivedEntry): boolean {
    const path = byteName(entry.path);
    const slash = path.lastIndexOf('/');
    const name = path.slice(slash + 1);
    const parent = this.#enter(slash < 0 ? '' : path.slice(0, slash));
    if (name === '' || name === '.' || name === '..' || name.includes('\0') || parent.node.children!.has(name)) {
      throw invalidArgument(`invalid path from the client: ${JSON.stringify(entry.path)}`);
    }
    const stat = statOf(entry);
    if (isDirectory(stat)) {
      this.#directory(parent, path, name, stat);
      return false;
    }
    const before = parent.before?.children?.get(name);
    if ((stat.mode & S_IFMT) === S_IFREG && entry.linkname !== '') {
      this.#links.push({ path, target: byteName(entry.linkname), stat });
      parent.node.children!.set(name, { ...stat, children: undefined, digest: undefined, identity: '' });
      return false;
    }
    if (before && !before.children && sameStat(before, stat)) {
      parent.node.children!.set(name, before);
      return false;
    }
    parent.changed = true;
    this.#changed = true;
    if ((stat.mode & S_IFMT) !== S_IFREG) {
      this.#special(parent, name, stat);
      return false;
    }
    this.#open(path, stat);
    parent.node.children!.set(name, { ...stat, children: undefined, digest: undefined, identity: '' });
    return true;
  }

  write(path: string, bytes: Uint8Array): void {
    const file = this.#files.get(byteName(path));
    if (!file) throw invalidArgument(`the client sent a file that it was not asked for: ${JSON.stringify(path)}`);
    writeAt(file.fd, bytes, file.offset, `write ${path}`);
    file.hash.update(bytes);
    file.offset += bytes.length;
    this.#received += bytes.length;
  }

  endFile(path: string): void {
    const name = byteName(path);
    const file = this.#files.get(name);
    if (!file) throw invalidArgument(`the client sent a file that it was not asked for: ${JSON.stringify(path)}`);
    this.#files.delete(name);
    const { fd, stat } = file;
    try {
      setAttributes(fd, stat, path);
    } finally {
      closeSync(fd);
    }
    this.#place(name, file.temporary, { ...stat, size: file.offset }, file.hash.digest('hex'));
  }

  async finish(): Promise<void> {
    const [missing] = this.#files.keys();
    if (missing !== undefined)
      throw new EngineError('unavailable', `the client did not send ${JSON.stringify(missing)}`);
    for (const link of this.#links) this.#link(link);
    while (this.#stack.length > 1) this.#leave();
    this.#removeLeftOver(this.#stack[0]!);
  }

  /** Idempotent. What has come stays. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const { fd } of this.#files.values()) closeSync(fd);
    for (const { fd } of this.#stack) closeSync(fd);
    closeSync(this.#incoming);
  }

  /** The open directory of this path: the walk has left those that are not above it. */
  #enter(path: string): OpenDirectory {
    for (;;) {
      const top = this.#stack[this.#stack.length - 1]!;
      if (top.path === path) return top;
      const isAbove = top.path === '' || path.startsWith(`${top.path}/`);
      if (isAbove || this.#stack.length === 1) {
        throw invalidArgument(`invalid path from the client: ${JSON.stringify(path)} is no directory that it sent`);
      }
      this.#leave();
    }
  }

  #directory(parent: OpenDirectory, path: string, name: string, stat: TreeStat): void {
    const before = parent.before?.children?.get(name);
    const known = before?.children ? before : undefined;
    if (!known) {
      if (before) removeEntry(parent.fd, name);
      check(tryMkdirAt(parent.fd, bytes(name), 0o700), `mkdir ${path}`);
      parent.changed = true;
    }
    const fd = check(tryOpenAt(parent.fd, bytes(name), O_RDONLY | O_DIRECTORY | O_NOFOLLOW), `open ${path}`);
    const same = known !== undefined && sameOwner(known, stat);
    if (!same) {
      this.#changed = true;
      chownFile(fd, stat.uid, stat.gid);
      chmodFile(fd, stat.mode & 0o7777);
    }
    const node: IndexNode = { ...stat, children: new Map(), digest: undefined, identity: '' };
    parent.node.children!.set(name, node);
    this.#stack.push({ path, fd, before: known, node, changed: !same });
  }

  #leave(): void {
    const directory = this.#stack.pop()!;
    try {
      this.#removeLeftOver(directory);
      if (directory.changed || directory.before?.mtime !== directory.node.mtime) {
        setTimesFile(directory.fd, directory.node.mtime);
      }
    } finally {
      closeSync(directory.fd);
    }
  }

  #removeLeftOver({ fd, before, node }: OpenDirectory): void {
    for (const name of before?.children?.keys() ?? []) {
      if (node.children!.has(name)) continue;
      removeEntry(fd, name);
      this.#changed = true;
    }
  }

  #special(parent: OpenDirectory, name: string, stat: TreeStat): void {
    const kind = stat.mode & S_IFMT;
    // A device of the client's machine has no business here, and its copy in an image neither.
    if (kind === S_IFCHR || kind === S_IFBLK) return;
    if (kind !== S_IFLNK) return;
    const temporary = this.#temporary();
    check(trySymlinkAt(bytes(stat.linkName), this.#incoming, bytes(temporary)), `symlink ${name}`);
    chownAt(this.#incoming, bytes(temporary), stat.uid, stat.gid);
    setTimesAt(this.#incoming, bytes(temporary), stat.mtime);
    this.#move(temporary, parent, name);
    parent.node.children!.set(name, { ...stat, children: undefined, digest: undefined, identity: '' });
  }

  #open(path: string, stat: TreeStat): void {
    const temporary = this.#temporary();
    const flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
    const fd = check(tryOpenAt(this.#incoming, bytes(temporary), flags, 0o600), `create ${path}`);
    this.#files.set(path, { fd, temporary, hash: createHash('sha256'), stat, offset: 0 });
  }

  #place(path: string, temporary: string, stat: TreeStat, digest: string): void {
    const slash = path.lastIndexOf('/');
    const name = path.slice(slash + 1);
    const directory = this.#find(slash < 0 ? '' : path.slice(0, slash));
    try {
      this.#move(temporary, directory, name);
      const found = tryStatAt(directory.fd, bytes(name));
      const identity = typeof found === 'number' ? '' : identityOf({ ...stat, ...found });
      directory.node.children!.set(name, { ...stat, children: undefined, digest, identity });
    } finally {
      directory.release();
    }
  }

  /** Files arrive when the walk has long gone on: their directory is opened again, name by name. */
  #find(path: string): { fd: number; before: IndexNode | undefined; node: IndexNode; release(): void } {
    const open = this.#stack.find((directory) => directory.path === path);
    if (open) return { ...open, release: () => {} };
    let fd = check(tryOpenAt(this.#stack[0]!.fd, bytes('.'), O_RDONLY | O_DIRECTORY), 'open');
    let node = this.#index.root;
    let before: IndexNode | undefined = this.#stack[0]!.before;
    for (const name of path.split('/')) {
      const next = tryOpenAt(fd, bytes(name), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
      closeSync(fd);
      fd = check(next, `open ${path}`);
      node = node.children!.get(name)!;
      before = before?.children?.get(name);
    }
    return {
      fd,
      before,
      node,
      release: () => {
        setTimesFile(fd, node.mtime);
        closeSync(fd);
      },
    };
  }

  #move(temporary: string, { fd, before }: Pick<OpenDirectory, 'fd' | 'before'>, name: string): void {
    if (before?.children?.get(name)?.children) removeEntry(fd, name);
    check(tryRenameAt(this.#incoming, bytes(temporary), fd, bytes(name)), `rename ${name}`);
  }

  #link({ path, target, stat }: Link): void {
    const from = this.#index.find(target);
    if (!from?.digest || (from.mode & S_IFMT) !== S_IFREG) {
      throw invalidArgument(`invalid hard link from the client: ${JSON.stringify(path)} to ${JSON.stringify(target)}`);
    }
    const slash = target.lastIndexOf('/');
    const source = this.#find(slash < 0 ? '' : target.slice(0, slash));
    const temporary = this.#temporary();
    try {
      const linked = tryLinkAt(source.fd, bytes(target.slice(slash + 1)), this.#incoming, bytes(temporary));
      check(linked, `link ${path}`);
    } finally {
      source.release();
    }
    this.#place(path, temporary, { ...stat, size: from.size }, from.digest);
    // The kernel notes a link's making as a change of the file.
    const end = path.lastIndexOf('/');
    const parent = this.#index.find(end < 0 ? '' : path.slice(0, end))!;
    const placed = parent.children!.get(path.slice(end + 1))!;
    const owner = this.#index.find(slash < 0 ? '' : target.slice(0, slash))!;
    owner.children!.set(target.slice(slash + 1), { ...from, identity: placed.identity });
  }

  #temporary(): string {
    return String(this.#count++);
  }
}

function statOf(entry: ReceivedEntry): TreeStat {
  const mode = fromGoFileMode(entry.mode);
  return {
    mode,
    uid: entry.uid,
    gid: entry.gid,
    size: (mode & S_IFMT) === S_IFREG ? entry.size : 0,
    mtime: entry.modTime,
    deviceMajor: entry.devmajor,
    deviceMinor: entry.devminor,
    linkName: (mode & S_IFMT) === S_IFLNK ? byteName(entry.linkname) : '',
    xattrs: new Map([...entry.xattrs].filter(([key]) => !key.startsWith('trusted.'))),
  };
}

function sameStat(a: IndexNode, b: TreeStat): boolean {
  return sameOwner(a, b) && a.size === b.size && a.mtime === b.mtime && a.linkName === b.linkName;
}

function sameOwner(a: TreeStat, b: TreeStat): boolean {
  if (a.mode !== b.mode || a.uid !== b.uid || a.gid !== b.gid || a.xattrs.size !== b.xattrs.size) return false;
  return [...b.xattrs].every(([key, value]) => Buffer.from(value).equals(a.xattrs.get(key) ?? Buffer.alloc(0)));
}

function bytes(name: string): Uint8Array {
  return cString(Buffer.from(name, 'latin1'));
}
