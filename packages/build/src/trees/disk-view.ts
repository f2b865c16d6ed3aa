import { createHash } from 'node:crypto';
import { closeSync, readdirSync, readlinkSync } from 'node:fs';
import { check, errnoName, SystemError } from '@wharf/sys/errno';
import {
  type FileStatus,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  openDirectory,
  readAt,
  readLinkAt,
  S_IFLNK,
  S_IFMT,
  tryOpenAt,
  tryOpenBelow,
  tryStatAt,
} from '@wharf/sys/file';
import { cString } from '@wharf/sys/syscall';
import { getXattrAt, listXattrsAt } from '@wharf/sys/xattr';
import type { TreeStat, TreeView } from './tree-view.ts';

const chunkSize = 1 << 20;
const O_NONBLOCK = 0o4000;
export const opaque = cString('trusted.overlay.opaque');

/** Entries of one inode are hard links of each other. */
export type DiskStat = TreeStat & Pick<FileStatus, 'inode' | 'nlink'>;

/** A directory of the host as a tree. For code that may block: worker threads, and small reads. */
export class DiskView implements TreeView, Disposable {
  readonly root: number;
  /** The directory used last: walks ask for neighbours one after another. */
  #directory: { readonly path: string; readonly fd: number } | undefined;
  readonly #buffer = Buffer.allocUnsafeSlow(chunkSize);

  constructor(directory: string) {
    this.root = openDirectory(cString(directory));
  }

  stat(path: string): DiskStat | undefined {
    const place = this.#place(path);
    if (!place) return undefined;
    const status = tryStatAt(place.directory, place.name);
    if (typeof status === 'number') return undefined;
    const isLink = (status.mode & S_IFMT) === S_IFLNK;
    return {
      ...status,
      linkName: isLink ? readLinkAt(place.directory, place.name).toString('latin1') : '',
      xattrs: readXattrs(place.directory, place.name),
    };
  }

  names(path: string): readonly string[] {
    const fd = this.openDirectory(path);
    try {
      return readdirSync(`/proc/self/fd/${fd}`, { encoding: 'buffer' })
        .map((name) => name.toString('latin1'))
        .sort();
    } finally {
      closeSync(fd);
    }
  }

  digest(path: string): string {
    const fd = this.openFile(path);
    try {
      const hash = createHash('sha256');
      for (let offset = 0; ; ) {
        const count = readAt(fd, this.#buffer, offset);
        if (count === 0) return hash.digest('hex');
        hash.update(this.#buffer.subarray(0, count));
        offset += count;
      }
    } finally {
      closeSync(fd);
    }
  }

  /** A descriptor of the caller's. Throws where the path is no regular file or goes through a link. */
  openFile(path: string): number {
    const place = this.#place(path);
    if (!place) throw new SystemError(`open ${path}`, 2);
    return check(tryOpenAt(place.directory, place.name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK), `open ${path}`);
  }

  /** Of a layer's directory: it hides what lower layers have there. */
  isOpaque(path: string): boolean {
    const fd = this.openDirectory(path);
    try {
      return getXattrAt(fd, cString('.'), opaque)?.toString() === 'y';
    } finally {
      closeSync(fd);
    }
  }

  openDirectory(path: string): number {
    return check(openBelow(this.root, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW), `open ${path}`);
  }

  /** The directory that holds an entry, open until the next call, and its name in there. */
  #place(path: string): { readonly directory: number; readonly name: Uint8Array } | undefined {
    const slash = path.lastIndexOf('/');
    const name = cString(Buffer.from(path === '' ? '.' : path.slice(slash + 1), 'latin1'));
    if (slash < 0) return { directory: this.root, name };
    const above = path.slice(0, slash);
    if (this.#directory?.path !== above) {
      const fd = openBelow(this.root, above, O_PATH | O_DIRECTORY | O_NOFOLLOW);
      if (fd < 0) {
        if (errnoName(-fd) === 'ENOENT' || errnoName(-fd) === 'ENOTDIR') return undefined;
        check(fd, `open ${above}`);
      }
      if (this.#directory) closeSync(this.#directory.fd);
      this.#directory = { path: above, fd };
    }
    return { directory: this.#directory.fd, name };
  }

  /** How the kernel names the root. */
  realPath(): string {
    return readlinkSync(`/proc/self/fd/${this.root}`);
  }

  /** Something was removed: what is open may be gone. */
  protected forget(): void {
    if (this.#directory) closeSync(this.#directory.fd);
    this.#directory = undefined;
  }

  [Symbol.dispose](): void {
    this.forget();
    closeSync(this.root);
  }
}

const EAGAIN = 11;

function openBelow(root: number, path: string, flags: number): number {
  const name = cString(Buffer.from(path === '' ? '.' : path, 'latin1'));
  for (let attempt = 0; ; attempt++) {
    const fd = tryOpenBelow(root, name, flags);
    if (fd !== -EAGAIN || attempt === 64) return fd;
  }
}

const none: ReadonlyMap<string, Uint8Array> = new Map();

function readXattrs(directory: number, name: Uint8Array): ReadonlyMap<string, Uint8Array> {
  const keys = listXattrsAt(directory, name).filter((key) => !key.startsWith('trusted.overlay.'));
  if (keys.length === 0) return none;
  const found = new Map<string, Uint8Array>();
  for (const key of keys.sort()) {
    const value = getXattrAt(directory, name, cString(Buffer.from(key, 'latin1')));
    if (value) found.set(key, value);
  }
  return found;
}
