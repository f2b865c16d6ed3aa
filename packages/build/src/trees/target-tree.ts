import { closeSync } from 'node:fs';
import { removeEntry } from '@wharf/store/trees/remove-entry';
import { check, SystemError } from '@wharf/sys/errno';
import {
  chownAt,
  copyFileContent,
  makeDevice,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  O_WRONLY,
  S_IFLNK,
  S_IFMT,
  setTimesAt,
  setTimesFile,
  tryLinkAt,
  tryMkdirAt,
  tryMknodAt,
  tryOpenAt,
  trySymlinkAt,
  tryUnlinkAt,
  writeAt,
} from '@wharf/sys/file';
import { cString, syscall } from '@wharf/sys/syscall';
import { trySetXattr, trySetXattrAt } from '@wharf/sys/xattr';
import { DiskView, opaque } from './disk-view.ts';
import { type Attributes, setAttributes } from './set-attributes.ts';
import { components, isDirectory, resolvePath, shownName, type TreeStat } from './tree-view.ts';

const EEXIST = 17;
const ENOENT = 2;
const ENOTDIR = 20;

/**
 * A tree that file operations change. Paths are real ones (`resolvePath`); parents are opened from the root with
 * RESOLVE_IN_ROOT and last components never followed, so no link of an image or a context leads outside.
 */
export class TargetTree extends DiskView {
  /** Makes a directory and what is missing above it. Answers the real path. */
  makeDirectories(path: string, attributes: Attributes): string {
    const real = resolvePath(this, path, { followLast: true });
    let here = '';
    for (const name of components(real)) {
      here = here === '' ? name : `${here}/${name}`;
      const stat = this.stat(here);
      if (!stat) this.makeDirectory(here, attributes);
      else if (!isDirectory(stat)) throw new SystemError(`mkdir ${shownName(here)}`, ENOTDIR);
    }
    return real;
  }

  /** Throws EEXIST. */
  makeDirectory(path: string, attributes: Attributes): void {
    this.#inParent(path, (parent, name) => {
      check(tryMkdirAt(parent, name, 0o700), `mkdir ${shownName(path)}`);
      const fd = check(tryOpenAt(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW), `open ${shownName(path)}`);
      this.#finish(fd, attributes, path);
    });
  }

  /** Gives an existing directory new attributes. */
  changeDirectory(path: string, attributes: Attributes): void {
    this.#finish(this.openDirectory(path), attributes, path);
  }

  makeOpaque(path: string): void {
    const fd = this.openDirectory(path);
    try {
      check(trySetXattr(fd, opaque, Buffer.from('y')), `mark ${shownName(path)}`);
    } finally {
      closeSync(fd);
    }
  }

  setDirectoryTime(path: string, mtime: bigint): void {
    const fd = this.openDirectory(path);
    try {
      setTimesFile(fd, mtime);
    } finally {
      closeSync(fd);
    }
  }

  /** A new file with the content of an open one. */
  copyFile(from: number, size: number, path: string, attributes: Attributes): void {
    this.#makeFile(path, attributes, (fd) => copyFileContent(from, fd, size));
  }

  writeFile(path: string, content: Uint8Array, attributes: Attributes): void {
    this.#makeFile(path, attributes, (fd) => writeAt(fd, content, 0));
  }

  symlink(target: string, path: string, attributes: Attributes): void {
    this.#inParent(path, (parent, name) => {
      check(trySymlinkAt(bytes(target), parent, name), `symlink ${shownName(path)}`);
      this.#own(parent, name, attributes);
    });
  }

  node(stat: TreeStat, path: string, attributes: Attributes): void {
    this.#inParent(path, (parent, name) => {
      const device = makeDevice(stat.deviceMajor, stat.deviceMinor);
      check(tryMknodAt(parent, name, (stat.mode & S_IFMT) | 0o600, device), `mknod ${shownName(path)}`);
      this.#own(parent, name, attributes);
      const fd = check(tryOpenAt(parent, name, O_PATH | O_NOFOLLOW), `open ${shownName(path)}`);
      try {
        check(syscall('fchmodat', -1, cString(`/proc/self/fd/${fd}`), attributes.mode & 0o7777), 'chmod');
      } finally {
        closeSync(fd);
      }
    });
  }

  /** False where the file system refuses the link. */
  link(from: string, path: string): boolean {
    return this.#inParent(from, (fromParent, fromName) => {
      // The parent of `from` stays open until `path`'s is: both are duplicates of what the view keeps.
      return this.#inParent(path, (parent, name) => tryLinkAt(fromParent, fromName, parent, name) === 0);
    });
  }

  /** Removes whatever has the name. */
  remove(path: string): void {
    this.#inParent(path, (parent, _, text) => removeEntry(parent, text));
    this.forget();
  }

  /** Removes a name that is no directory. False where there is none. */
  unlink(path: string): boolean {
    return this.#inParent(path, (parent, name) => {
      const result = tryUnlinkAt(parent, name);
      if (result === -ENOENT) return false;
      check(result, `remove ${shownName(path)}`);
      return true;
    });
  }

  #makeFile(path: string, attributes: Attributes, fill: (fd: number) => void): void {
    this.#inParent(path, (parent, name) => {
      const made = tryOpenAt(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
      if (made === -EEXIST) throw new SystemError(`create ${shownName(path)}`, EEXIST);
      const fd = check(made, `create ${shownName(path)}`);
      try {
        fill(fd);
      } catch (error) {
        closeSync(fd);
        throw error;
      }
      this.#finish(fd, attributes, path);
    });
  }

  /** Closes the descriptor. */
  #finish(fd: number, attributes: Attributes, path: string): void {
    try {
      setAttributes(fd, attributes, shownName(path));
    } finally {
      closeSync(fd);
    }
  }

  #own(parent: number, name: Uint8Array, { uid, gid, mtime, xattrs, mode }: Attributes): void {
    chownAt(parent, name, uid, gid);
    if ((mode & S_IFMT) === S_IFLNK)
      for (const [key, value] of xattrs ?? []) trySetXattrAt(parent, name, bytes(key), value);
    if (mtime !== undefined) setTimesAt(parent, name, mtime);
  }

  #inParent<T>(path: string, body: (parent: number, name: Uint8Array, text: string) => T): T {
    const slash = path.lastIndexOf('/');
    const text = path.slice(slash + 1);
    if (text === '') throw new SystemError('change the root directory', EEXIST);
    const parent = this.openDirectory(slash < 0 ? '' : path.slice(0, slash));
    try {
      return body(parent, bytes(text), text);
    } finally {
      closeSync(parent);
    }
  }
}

function bytes(name: string): Uint8Array {
  return cString(Buffer.from(name, 'latin1'));
}
