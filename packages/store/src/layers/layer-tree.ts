import { mkdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { invalidArgument } from '@wharf/base/error';
import type { ByteString, TarEntry } from '@wharf/oci/layer/tar-header';
import { errnoName, errnoText, SystemError } from '@wharf/sys/errno';
import {
  chmodAt,
  chmodFile,
  chownAt,
  chownFile,
  closeFile,
  makeDevice,
  NameBuffer,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_RDONLY,
  O_WRONLY,
  openDirectory,
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
  tryRenameAt,
  tryStatAt,
  trySymlinkAt,
  tryUnlinkAt,
  writeAt,
} from '@wharf/sys/file';
import { cString } from '@wharf/sys/syscall';
import { trySetXattr, trySetXattrAt } from '@wharf/sys/xattr';
import { layerPath } from './layer-path.ts';

const EEXIST = 17;
const ENOENT = 2;
const ENOTDIR = 20;
const ENOTSUP = 95;
const openDirectories = 128;
/** Bytes of names that are kept until the end. */
const maximumRemembered = 256 << 20;

/** Something of this layer that a later member of the same archive took the place of. */
export interface Replacement {
  readonly path: ByteString;
  /** Its new name in the `replaced` directory. */
  readonly as: string;
  /** Steps with a file that the recipe had before. */
  readonly files: number;
}

interface Directory {
  readonly fd: number;
  /** Below the root, links resolved: '' or 'usr/lib'. */
  readonly path: ByteString;
}

/**
 * A layer's directory while it is being filled, in overlayfs' own form. Everything happens relative to descriptors
 * of directories found with RESOLVE_IN_ROOT, and no last component is ever followed, so no archive can reach
 * anything outside, whatever links it brings along.
 */
export class LayerTree {
  readonly #base: string;
  readonly #root: number;
  readonly #rootPath: ByteString;
  readonly #directories = new Map<ByteString, Directory>();
  readonly #directoryTimes = new Map<ByteString, bigint>();
  readonly #names = new NameBuffer();
  readonly #otherNames = new NameBuffer();
  readonly replacements: Replacement[] = [];
  #replacedFd = -1;
  /** File steps of the recipe so far: kept by who writes it. */
  recipeFiles = 0;
  #members = 0;
  #remembered = 0;
  #closed = false;
  #file: { fd: number; entry: TarEntry; path: ByteString; written: number } | undefined;

  /** `base` exists and gets `diff/`, and where needed `replaced/`. */
  constructor(base: string) {
    this.#base = base;
    mkdirSync(join(base, 'diff'), { mode: 0o755 });
    this.#root = openDirectory(cString(join(base, 'diff')));
    this.#rootPath = readlinkSync(`/proc/self/fd/${this.#root}`, { encoding: 'latin1' });
  }

  get members(): number {
    return this.#members;
  }

  /** Opens a regular file for `write`; `endFile` gives it its attributes. Returns its path for the recipe. */
  beginFile(entry: TarEntry): ByteString {
    const { parent, name } = this.#place(entry);
    const fd = this.#make(parent, name, () =>
      tryOpenAt(parent.fd, this.#names.set(name), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600),
    );
    const path = parent.path === '' ? name : `${parent.path}/${name}`;
    this.#file = { fd: expect(fd, entry.name), entry, path, written: 0 };
    return path;
  }

  write(bytes: Buffer, offset: number): void {
    const file = this.#file!;
    writeAt(file.fd, bytes, offset, `write ${file.entry.name}`);
    file.written = Math.max(file.written, offset + bytes.length);
  }

  endFile(): void {
    const { fd, entry, written } = this.#file!;
    this.#file = undefined;
    try {
      // A hole at its end.
      if (entry.size > written) truncateFile(fd, entry.size);
      // chown(2) clears setuid bits and capabilities: it comes first.
      chownFile(fd, entry.uid, entry.gid);
      chmodFile(fd, entry.mode);
      for (const [name, value] of settableXattrs(entry)) {
        expectXattr(trySetXattr(fd, cString(Buffer.from(name, 'latin1')), value), entry.name);
      }
      setTimesFile(fd, entry.mtime);
    } finally {
      closeFile(fd);
    }
  }

  directory(entry: TarEntry): void {
    const components = layerPath(entry.name);
    const base = components.pop();
    if (base === undefined) this.#finishDirectory({ fd: this.#root, path: '' }, entry);
    else {
      const parent = this.#parent(components);
      this.#members++;
      const hidden = this.#makeDirectory(parent, base, entry.mode);
      const directory = this.#openDirectory([...components, base].join('/'));
      if (!directory) throw new SystemError(`unpack ${entry.name}`, ENOENT);
      if (hidden) this.#setOpaque(directory);
      this.#finishDirectory(directory, entry);
    }
  }

  #finishDirectory(directory: Directory, entry: TarEntry): void {
    chownFile(directory.fd, entry.uid, entry.gid);
    chmodFile(directory.fd, entry.mode);
    for (const [name, value] of settableXattrs(entry)) {
      expectXattr(trySetXattr(directory.fd, cString(Buffer.from(name, 'latin1')), value), entry.name);
    }
    this.#directoryTimes.set(directory.path, entry.mtime);
    this.#remembered += directory.path.length;
    if (this.#remembered > maximumRemembered) throw invalidArgument('invalid tar: too many long directory names');
  }

  symlink(entry: TarEntry): void {
    const { parent, name } = this.#place(entry);
    const target = this.#otherNames.set(entry.linkName);
    const made = this.#make(parent, name, () => trySymlinkAt(target, parent.fd, this.#names.set(name)));
    expect(made, entry.name);
    chownAt(parent.fd, this.#names.set(name), entry.uid, entry.gid);
    this.#setXattrsAt(parent, name, entry);
    setTimesAt(parent.fd, this.#names.set(name), entry.mtime);
  }

  /** Devices and FIFOs. */
  node(entry: TarEntry): void {
    const { parent, name } = this.#place(entry);
    const kind = entry.type === 'character' ? S_IFCHR : entry.type === 'block' ? S_IFBLK : S_IFIFO;
    const device = entry.type === 'fifo' ? 0 : makeDevice(entry.deviceMajor, entry.deviceMinor);
    const made = this.#make(parent, name, () => tryMknodAt(parent.fd, this.#names.set(name), kind | 0o600, device));
    expect(made, entry.name);
    chownAt(parent.fd, this.#names.set(name), entry.uid, entry.gid);
    chmodAt(parent.fd, this.#names.set(name), entry.mode);
    this.#setXattrsAt(parent, name, entry);
    setTimesAt(parent.fd, this.#names.set(name), entry.mtime);
  }

  /** The target is looked up below this layer's root, link by link, and must be there already. */
  hardLink(entry: TarEntry): void {
    const targetComponents = layerPath(entry.linkName);
    const targetName = targetComponents.pop();
    const targetDirectory = targetName === undefined ? undefined : this.#openDirectory(targetComponents.join('/'));
    if (targetName === undefined || !targetDirectory) {
      throw invalidArgument(`invalid hardlink ${JSON.stringify(entry.linkName)} -> ${JSON.stringify(entry.name)}`);
    }
    const { parent, name } = this.#place(entry);
    const target = cString(Buffer.from(targetName, 'latin1'));
    if (targetDirectory.path === parent.path && targetName === name) return;
    const made = this.#make(parent, name, () => {
      // Again each time: what was open may have been closed to make room, or been moved away.
      const from = this.#openDirectory(targetComponents.join('/'));
      return from ? tryLinkAt(from.fd, target, parent.fd, this.#names.set(name)) : -ENOENT;
    });
    expect(made, `${entry.name} to ${entry.linkName}`);
  }

  /** Hides `name` of the layers below; never what this layer itself brings. */
  hide(directory: readonly ByteString[], name: ByteString): void {
    const parent = this.#parent(directory);
    this.#members++;
    const status = tryStatAt(parent.fd, this.#names.set(name));
    if (typeof status !== 'number') {
      if ((status.mode & S_IFMT) !== S_IFDIR) return;
      const own = this.#openDirectory([...directory, name].join('/'));
      if (own) this.#setOpaque(own);
      return;
    }
    expect(tryMknodAt(parent.fd, this.#names.set(name), S_IFCHR, 0), name);
  }

  /** Hides all that the layers below have in this directory. */
  opaque(directory: readonly ByteString[]): void {
    this.#members++;
    this.#setOpaque(this.#parent(directory));
  }

  #setOpaque(directory: Directory): void {
    expect(trySetXattr(directory.fd, cString('trusted.overlay.opaque'), Buffer.from('y')), directory.path);
  }

  /** Sets what can only be set last, and lets go of all descriptors. */
  finish(): void {
    for (const [path, mtime] of this.#directoryTimes) {
      const directory = this.#openDirectory(path);
      if (directory) setTimesFile(directory.fd, mtime);
    }
    if (this.replacements.length > 0) {
      writeFileSync(join(this.#base, 'replaced.json'), JSON.stringify(this.replacements));
    }
    this.close();
  }

  /** Idempotent: a descriptor closed twice may be somebody else's by then. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#file) closeFile(this.#file.fd);
    this.#file = undefined;
    this.#forgetDirectories();
    if (this.#replacedFd >= 0) closeFile(this.#replacedFd);
    closeFile(this.#root);
  }

  #place(entry: TarEntry): { parent: Directory; name: ByteString } {
    const components = layerPath(entry.name);
    const name = components.pop();
    if (name === undefined) throw invalidArgument(`invalid tar: ${entry.type} in place of the root directory`);
    this.#members++;
    return { parent: this.#parent(components), name };
  }

  /** Calls `make`, and once more after moving away what has the name. */
  #make(parent: Directory, name: ByteString, make: () => number): number {
    const result = make();
    if (result !== -EEXIST) return result;
    this.#displace(parent, name);
    return make();
  }

  /** Returns true where the new directory takes the place of a whiteout. */
  #makeDirectory(parent: Directory, name: ByteString, mode: number): boolean {
    const made = tryMkdirAt(parent.fd, this.#names.set(name), mode);
    if (made !== -EEXIST) {
      expect(made, name);
      return false;
    }
    const status = tryStatAt(parent.fd, this.#names.set(name));
    if (typeof status !== 'number' && (status.mode & S_IFMT) === S_IFDIR) return false;
    const hidden = this.#displace(parent, name);
    expect(tryMkdirAt(parent.fd, this.#names.set(name), mode), name);
    return hidden;
  }

  /** Moves what has the name out of the tree, since the recipe may need its bytes. Returns true for a whiteout. */
  #displace(parent: Directory, name: ByteString): boolean {
    const status = tryStatAt(parent.fd, this.#names.set(name));
    if (typeof status === 'number') return false;
    if (this.#isWhiteout(parent, name)) {
      expect(tryUnlinkAt(parent.fd, this.#names.set(name)), name);
      return true;
    }
    if (this.#replacedFd < 0) {
      mkdirSync(join(this.#base, 'replaced'), { mode: 0o700 });
      this.#replacedFd = openDirectory(cString(join(this.#base, 'replaced')));
    }
    const as = String(this.replacements.length);
    expect(tryRenameAt(parent.fd, this.#names.set(name), this.#replacedFd, cString(as)), name);
    const path = parent.path === '' ? name : `${parent.path}/${name}`;
    this.replacements.push({ path, as, files: this.recipeFiles });
    if ((status.mode & S_IFMT) === S_IFDIR) {
      for (const known of this.#directoryTimes.keys()) {
        if (known === path || known.startsWith(`${path}/`)) this.#directoryTimes.delete(known);
      }
    }
    // What is open may have been reached through it. The parent is in the caller's hands, and not below what moved.
    this.#forgetDirectories(parent);
    return false;
  }

  #isWhiteout(parent: Directory, name: ByteString): boolean {
    const status = tryStatAt(parent.fd, this.#names.set(name));
    if (typeof status === 'number' || (status.mode & S_IFMT) !== S_IFCHR) return false;
    return status.deviceMajor === 0 && status.deviceMinor === 0;
  }

  #parent(components: readonly ByteString[]): Directory {
    const path = components.join('/');
    const found = this.#openDirectory(path);
    if (found) return found;
    const above = components.slice(0, -1);
    const name = components[components.length - 1]!;
    const parent = this.#parent(above);
    // Of what is there and no directory, only a whiteout gives way to one that no member asked for.
    const hidden = this.#isWhiteout(parent, name) && this.#displace(parent, name);
    const result = tryMkdirAt(parent.fd, this.#names.set(name), 0o755);
    expect(result === -EEXIST ? -ENOTDIR : result, path);
    const made = this.#openDirectory(path);
    if (!made) throw new SystemError(`unpack ${path}`, ENOENT);
    if (hidden) this.#setOpaque(made);
    return made;
  }

  #openDirectory(path: ByteString): Directory | undefined {
    if (path === '') return { fd: this.#root, path: '' };
    const known = this.#directories.get(path);
    if (known) {
      this.#directories.delete(path);
      this.#directories.set(path, known);
      return known;
    }
    const fd = tryOpenBelow(this.#root, this.#names.set(path), O_RDONLY | O_DIRECTORY);
    if (fd === -ENOENT || fd === -ENOTDIR) return undefined;
    expect(fd, path);
    const real = readlinkSync(`/proc/self/fd/${fd}`, { encoding: 'latin1' });
    const directory = { fd, path: real === this.#rootPath ? '' : real.slice(this.#rootPath.length + 1) };
    if (this.#directories.size >= openDirectories) this.#forgetOldest();
    this.#directories.set(path, directory);
    return directory;
  }

  #forgetOldest(): void {
    // In the order of last use: the youngest ones are in the hands of callers.
    for (const [path, { fd }] of this.#directories) {
      if (this.#directories.size <= openDirectories / 2) return;
      closeFile(fd);
      this.#directories.delete(path);
    }
  }

  #forgetDirectories(except?: Directory): void {
    for (const [path, directory] of this.#directories) {
      if (directory === except) continue;
      closeFile(directory.fd);
      this.#directories.delete(path);
    }
  }

  #setXattrsAt(parent: Directory, name: ByteString, entry: TarEntry): void {
    for (const [key, value] of settableXattrs(entry)) {
      const attribute = cString(Buffer.from(key, 'latin1'));
      expectXattr(trySetXattrAt(parent.fd, this.#names.set(name), attribute, value), entry.name);
    }
  }
}

/** overlayfs' own attributes say where lower files are: an archive must not set them. */
function* settableXattrs(entry: TarEntry): Generator<[string, Buffer]> {
  for (const [name, value] of entry.xattrs) {
    if (!name.startsWith('trusted.overlay.') && !name.startsWith('user.overlay.')) yield [name, value];
  }
}

function expect(result: number, what: string): number {
  if (result >= 0) return result;
  const code = errnoName(-result);
  const text = `failed to register layer: ${Buffer.from(what, 'latin1')}: ${errnoText(code)}`;
  // Names and links that the archive chose wrongly are the sender's fault; a full disk is not.
  if (['ENOTDIR', 'ELOOP', 'EEXIST', 'ENAMETOOLONG', 'ENOENT', 'EISDIR'].includes(code)) throw invalidArgument(text);
  throw new SystemError(`failed to register layer: ${Buffer.from(what, 'latin1')}`, -result);
}

function expectXattr(result: number, what: string): void {
  // As Docker: a file system without this kind of attribute still gets the file.
  if (result !== -ENOTSUP) expect(result, what);
}
