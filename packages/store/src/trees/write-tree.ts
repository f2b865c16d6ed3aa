import { closeSync, fstatSync, readlinkSync } from 'node:fs';
import { EngineError, invalidArgument, notFound } from '@wharf/base/error';
import { type Owner, toHostId } from '@wharf/base/id-mapping';
import type { ByteString, TarEntry } from '@wharf/oci/layer/tar-header';
import { TarReader } from '@wharf/oci/layer/tar-reader';
import { check, SystemError } from '@wharf/sys/errno';
import {
  chmodFile,
  chownAt,
  chownFile,
  closeFile,
  makeDevice,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  O_WRONLY,
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFMT,
  setTimesAt,
  setTimesFile,
  truncateFile,
  tryLinkAt,
  tryMkdirAt,
  tryMknodAt,
  tryOpenAt,
  tryOpenBelow,
  tryStatAt,
  trySymlinkAt,
  writeAt,
} from '@wharf/sys/file';
import { isKernelFile } from '@wharf/sys/kernel-file-system';
import { cString, syscall } from '@wharf/sys/syscall';
import { trySetXattr } from '@wharf/sys/xattr';
import { openNamed } from './path-stat.ts';
import { removeEntry } from './remove-entry.ts';
import type { OpenTree } from './tree-source.ts';

const ENOENT = 2;
const EAGAIN = 11;
const EEXIST = 17;
const ENOTDIR = 20;
const ENOTSUP = 95;

export interface WriteOptions {
  /** Refuse to put a file in a directory's place, and the other way round. */
  readonly noOverwriteDirNonDir: boolean;
  /** Who owns everything; left out, the archive says. */
  readonly owner?: { readonly uid: number; readonly gid: number };
  /** The container may not write to its root, nor to these mounts: Docker's refusal rather than the kernel's. */
  readonly readOnlyRoot: boolean;
  readonly mounts: readonly { readonly destination: string; readonly readOnly: boolean }[];
}

/**
 * Unpacks an archive below a directory of a tree in which hostile processes may be at work. Every parent is found
 * from the root with RESOLVE_IN_ROOT, every last component made anew and never followed, so that neither names nor
 * links of the archive nor anything that the container puts in its way lead outside the container.
 */
export class TreeWriter {
  readonly #tree: OpenTree;
  readonly #options: WriteOptions;
  readonly #destination: ByteString;
  readonly #reader: TarReader;
  readonly #directoryTimes = new Map<ByteString, bigint>();
  /** The parent used last: archives name neighbours one after another. */
  #parent: { readonly path: ByteString; readonly fd: number } | undefined;
  #file: { readonly fd: number; readonly entry: TarEntry; written: number } | undefined;

  /** Throws not_found, invalid_argument for no directory, permission_denied for a read-only place. */
  constructor(tree: OpenTree, path: string, options: WriteOptions) {
    this.#tree = tree;
    this.#options = options;
    this.#destination = openDestination(tree, path, options);
    this.#reader = new TarReader({
      entry: (entry) => this.#enter(entry),
      data: (bytes, offset) => {
        if (!this.#file) return;
        writeAt(this.#file.fd, bytes, offset);
        this.#file.written = offset + bytes.length;
      },
      endEntry: () => this.#endFile(),
    });
  }

  feed(chunk: Buffer): void {
    this.#reader.feed(chunk);
  }

  end(): void {
    this.#reader.end();
    // Only now: every file that was made in a directory changed its time.
    for (const [path, mtime] of this.#directoryTimes) {
      const fd = this.#openDirectory(path);
      if (fd < 0) continue;
      setTimesFile(fd, mtime);
      closeSync(fd);
    }
    this.close();
  }

  /** Idempotent. What is written stays. */
  close(): void {
    if (this.#file) closeFile(this.#file.fd);
    if (this.#parent) closeSync(this.#parent.fd);
    this.#file = this.#parent = undefined;
  }

  #enter(entry: TarEntry): void {
    const names = memberPath(entry.name, this.#destination);
    // As Docker has it: the archive's own root says nothing about the directory that it is unpacked in.
    if (entry.type === 'directory' && names.join('/') === this.#destination) return;
    const name = names.pop();
    if (name === undefined) return;
    const parent = this.#parentOf(names);
    const path = [...names, name].join('/');
    if (this.#make(parent, name, entry, path)) return;
    if (this.#keeps(parent, name, entry, path)) {
      const fd = check(tryOpenAt(parent, bytes(name), O_RDONLY | O_DIRECTORY | O_NOFOLLOW), `open ${path}`);
      this.#finishDirectory(fd, entry, path);
      return;
    }
    if (!this.#make(parent, name, entry, path)) expect(-EEXIST, path);
  }

  /** True for a directory that stays where the archive has one too; anything else in the way is removed. */
  #keeps(parent: number, name: ByteString, entry: TarEntry, path: ByteString): boolean {
    const status = tryStatAt(parent, bytes(name));
    if (typeof status === 'number') {
      if (status !== -ENOENT) check(status, `stat ${path}`);
      return false;
    }
    const wasDirectory = (status.mode & S_IFMT) === S_IFDIR;
    const isDirectory = entry.type === 'directory';
    if (wasDirectory && isDirectory) return true;
    if (this.#options.noOverwriteDirNonDir && wasDirectory !== isDirectory) {
      throw invalidArgument(overwriteMessage(wasDirectory, `/${path}`, `/${this.#destination}`));
    }
    removeEntry(parent, name);
    return false;
  }

  /** False where something has the name. */
  #make(parent: number, name: ByteString, entry: TarEntry, path: ByteString): boolean {
    const cName = bytes(name);
    switch (entry.type) {
      case 'file': {
        const flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
        const fd = tryOpenAt(parent, cName, flags, 0o600);
        if (!isMade(fd, path)) return false;
        this.#file = { fd, entry, written: 0 };
        return true;
      }
      case 'directory': {
        if (!isMade(tryMkdirAt(parent, cName, 0o700), path)) return false;
        const fd = expect(tryOpenAt(parent, cName, O_RDONLY | O_DIRECTORY | O_NOFOLLOW), path);
        this.#finishDirectory(fd, entry, path);
        return true;
      }
      case 'symlink':
        if (!isMade(trySymlinkAt(bytes(entry.linkName), parent, cName), path)) return false;
        this.#ownAt(parent, cName, entry);
        setTimesAt(parent, cName, entry.mtime);
        return true;
      case 'link':
        return this.#link(parent, cName, entry, path);
      case 'character':
      case 'block':
      case 'fifo':
        return this.#node(parent, cName, entry, path);
    }
  }

  #endFile(): void {
    if (!this.#file) return;
    const { fd, entry, written } = this.#file;
    this.#file = undefined;
    try {
      // A hole at its end.
      if (entry.size > written) truncateFile(fd, entry.size);
      this.#finish(fd, entry);
      setTimesFile(fd, entry.mtime);
    } finally {
      closeFile(fd);
    }
  }

  #finishDirectory(fd: number, entry: TarEntry, path: ByteString): void {
    try {
      this.#finish(fd, entry);
      this.#directoryTimes.set(path, entry.mtime);
    } finally {
      closeSync(fd);
    }
  }

  #finish(fd: number, entry: TarEntry): void {
    // chown(2) clears setuid bits and capabilities: it comes first.
    const { uid, gid } = this.#ownerOf(entry);
    chownFile(fd, uid, gid);
    chmodFile(fd, entry.mode);
    for (const [name, value] of entry.xattrs) {
      // overlayfs' own attributes say where lower files are: an archive must not set them.
      if (name.startsWith('trusted.') || name.startsWith('user.overlay.')) continue;
      const result = trySetXattr(fd, bytes(name), value);
      if (result !== -ENOTSUP) expect(result, name);
    }
  }

  #ownAt(parent: number, name: Uint8Array, entry: TarEntry): void {
    const { uid, gid } = this.#ownerOf(entry);
    chownAt(parent, name, uid, gid);
  }

  /** On the host. */
  #ownerOf(entry: TarEntry): Owner {
    const { uid, gid } = this.#options.owner ?? entry;
    const { idMapping } = this.#tree;
    if (!idMapping) return { uid, gid };
    const mapped = { uid: toHostId(idMapping.uids, uid), gid: toHostId(idMapping.gids, gid) };
    if (mapped.uid !== undefined && mapped.gid !== undefined) return { uid: mapped.uid, gid: mapped.gid };
    throw invalidArgument(`container ID ${uid}:${gid} cannot be mapped to a host ID`);
  }

  #link(parent: number, name: Uint8Array, entry: TarEntry, path: ByteString): boolean {
    const target = memberPath(entry.linkName, this.#destination);
    const targetName = target.pop();
    const from = targetName === undefined ? -ENOENT : this.#openDirectory(target.join('/'));
    if (targetName === undefined || from < 0) throw invalidLink(entry);
    try {
      const made = tryLinkAt(from, bytes(targetName), parent, name);
      if (made === -ENOENT) throw invalidLink(entry);
      return isMade(made, path);
    } finally {
      closeSync(from);
    }
  }

  #node(parent: number, name: Uint8Array, entry: TarEntry, path: ByteString): boolean {
    const kind = entry.type === 'character' ? S_IFCHR : entry.type === 'block' ? S_IFBLK : S_IFIFO;
    const device = entry.type === 'fifo' ? 0 : makeDevice(entry.deviceMajor, entry.deviceMinor);
    if (!isMade(tryMknodAt(parent, name, kind | 0o600, device), path)) return false;
    this.#ownAt(parent, name, entry);
    // There is no chmod(2) that spares links: the node is opened, without being used, and changed by its descriptor.
    const fd = expect(tryOpenAt(parent, name, O_PATH | O_NOFOLLOW), path);
    try {
      if (!fstatSync(fd).isSymbolicLink()) {
        expect(syscall('fchmodat', -1, cString(`/proc/self/fd/${fd}`), entry.mode), path);
      }
    } finally {
      closeSync(fd);
    }
    setTimesAt(parent, name, entry.mtime);
    return true;
  }

  #parentOf(names: readonly ByteString[]): number {
    const path = names.join('/');
    if (this.#parent?.path === path) return this.#parent.fd;
    if (this.#parent) closeSync(this.#parent.fd);
    this.#parent = undefined;
    const fd = this.#makeParents(names);
    this.#parent = { path, fd };
    return fd;
  }

  #makeParents(names: readonly ByteString[]): number {
    const path = names.join('/');
    const found = this.#openDirectory(path);
    if (found !== -ENOENT || names.length === 0) return expect(found, path);
    const above = this.#makeParents(names.slice(0, -1));
    try {
      const made = tryMkdirAt(above, bytes(names[names.length - 1]!), 0o755);
      if (made !== -EEXIST) expect(made, path);
    } finally {
      closeSync(above);
    }
    return expect(this.#openDirectory(path), path);
  }

  /** A descriptor of the caller's, or -errno. */
  #openDirectory(path: ByteString): number {
    const flags = O_RDONLY | O_DIRECTORY;
    const name = bytes(path === '' ? '/' : path);
    // EAGAIN: something above was renamed during the lookup; openat2(2) asks to try again.
    for (let attempt = 0; ; attempt++) {
      const fd = tryOpenBelow(this.#tree.root.fd, name, flags);
      if (fd === -EAGAIN && attempt < 64) continue;
      if (fd < 0 || !isKernelFile(fd)) return fd;
      closeSync(fd);
      throw new EngineError('permission_denied', `/${shown(path)} belongs to the kernel`);
    }
  }
}

/** The real path of the directory below the root, no leading slash. */
function openDestination(tree: OpenTree, path: string, { readOnlyRoot, mounts }: WriteOptions): ByteString {
  using directory = openNamed(tree.root, path, { follow: true });
  if (!fstatSync(directory.fd).isDirectory()) throw invalidArgument('extraction point is not a directory');
  const real = readlinkSync(`/proc/self/fd/${directory.fd}`, { encoding: 'latin1' });
  if (real.endsWith(' (deleted)')) throw notFound(`open ${path}: no such file or directory`);
  const below = real.slice(Buffer.from(tree.prefix).length).replace(/^\/+/, '');
  const holder = mounts
    .filter(({ destination }) => isBelow(below, destination.slice(1)))
    .sort((a, b) => b.destination.length - a.destination.length)[0];
  if (holder?.readOnly) throw new EngineError('permission_denied', 'mounted volume is marked read-only');
  if (!holder && readOnlyRoot) throw new EngineError('permission_denied', 'container rootfs is marked read-only');
  return below;
}

function isBelow(path: ByteString, directory: string): boolean {
  const above = Buffer.from(directory).toString('latin1');
  return path === above || path.startsWith(`${above}/`);
}

/** A member's path from the tree's root. Throws where `..` leads out of the destination. */
export function memberPath(name: ByteString, destination: ByteString): ByteString[] {
  const base = destination === '' ? [] : destination.split('/');
  const names: ByteString[] = [];
  for (const part of name.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') names.push(part);
    else if (names.pop() === undefined) {
      throw invalidArgument(`${JSON.stringify(shown(name))} is outside of ${JSON.stringify(shown(`/${destination}`))}`);
    }
  }
  return [...base, ...names];
}

function overwriteMessage(wasDirectory: boolean, path: ByteString, destination: ByteString): string {
  const [before, after] = wasDirectory ? ['directory', 'non-directory'] : ['non-directory', 'directory'];
  return `cannot overwrite ${before} ${JSON.stringify(shown(path))} with ${after} ${JSON.stringify(shown(destination))}`;
}

function invalidLink({ linkName, name }: TarEntry): Error {
  return invalidArgument(`invalid hardlink ${JSON.stringify(shown(linkName))} -> ${JSON.stringify(shown(name))}`);
}

/** False where something has the name; other failures are thrown. */
function isMade(result: number, path: ByteString): boolean {
  return result !== -EEXIST && expect(result, path) >= 0;
}

function expect(result: number, what: ByteString): number {
  if (result >= 0) return result;
  if (result === -ENOTDIR || result === -EEXIST) {
    throw invalidArgument(new SystemError(`unpack ${shown(what)}`, -result).message);
  }
  return check(result, `unpack ${shown(what)}`);
}

function shown(name: ByteString): string {
  return Buffer.from(name, 'latin1').toString();
}

function bytes(name: ByteString): Uint8Array {
  return cString(Buffer.from(name, 'latin1'));
}
