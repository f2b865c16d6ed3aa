import { closeSync, readdirSync } from 'node:fs';
import type { ByteString, TarEntry, TarEntryType } from '@wharf/oci/layer/tar-header';
import { formatTarHeader, tarPadding } from '@wharf/oci/layer/tar-writer';
import { opaqueWhiteout, whiteoutPrefix } from '@wharf/oci/layer/whiteout';
import { check } from '@wharf/sys/errno';
import {
  type FileStatus,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_RDONLY,
  openDirectory,
  readAt,
  readLinkAt,
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  tryOpenAt,
  tryStatAt,
} from '@wharf/sys/file';
import { cString } from '@wharf/sys/syscall';
import { getXattrAt, listXattrsAt } from '@wharf/sys/xattr';

const chunkSize = 1 << 20;

/** A piece of the tar: a member's header, a range of a file's content, or what fills up its last block. */
export interface DiffPiece {
  readonly bytes: Buffer;
  /** Whiteouts are spelled as in an image. */
  readonly entry?: TarEntry;
  readonly file?: { readonly path: ByteString; readonly offset: number };
}

interface Walk {
  readonly links: Map<bigint, ByteString>;
  readonly room: Room;
  readonly leftOut: ReadonlySet<string>;
}

/** Where up to `wanted` bytes of a file's content are to be read. */
type Room = (wanted: number) => Buffer;

/** Room that is used again and again: for pieces that nobody keeps. */
export function reusedRoom(): Room {
  const buffer = Buffer.allocUnsafeSlow(chunkSize);
  return (wanted) => buffer.subarray(0, Math.min(chunkSize, wanted));
}

/**
 * The tar of an overlayfs directory as a layer, in the pieces it is made of and without its end: names sorted,
 * whiteouts in the image's spelling. The same tree gives the same bytes, so a layer that is stored as a directory only
 * always has the same diffId. `leftOut` are paths as `/etc/hosts`.
 */
export function* diffPieces(
  directory: string,
  room: Room,
  leftOut: ReadonlySet<string> = new Set(),
): Generator<DiffPiece> {
  const root = openDirectory(cString(directory));
  try {
    yield* walk(root, '', { links: new Map(), room, leftOut });
  } finally {
    closeSync(root);
  }
}

function* walk(directory: number, prefix: ByteString, all: Walk): Generator<DiffPiece> {
  if (isOpaque(directory)) {
    yield header(whiteout(prefix + opaqueWhiteout));
  }
  const names = readdirSync(`/proc/self/fd/${directory}`, { encoding: 'buffer' })
    .map((name) => name.toString('latin1'))
    .sort();
  for (const name of names) yield* member(directory, name, prefix, all);
}

function* member(directory: number, name: ByteString, prefix: ByteString, all: Walk): Generator<DiffPiece> {
  if (all.leftOut.has(`/${prefix}${name}`)) return;
  const cName = cString(Buffer.from(name, 'latin1'));
  const status = tryStatAt(directory, cName);
  if (typeof status === 'number') return void check(status, `stat ${name}`);
  const path = prefix + name;
  const kind = status.mode & S_IFMT;
  if (kind === S_IFCHR && status.deviceMajor === 0 && status.deviceMinor === 0) {
    yield header(whiteout(`${prefix}${whiteoutPrefix}${name}`));
    return;
  }
  const type = types.get(kind);
  // A socket means nothing without its listener; Docker leaves it out as well.
  if (!type) return;
  const first = all.links.get(status.inode);
  if (first !== undefined) {
    yield header({ ...attributes(status), type: 'link', name: path, linkName: first, size: 0, xattrs: noXattrs });
    return;
  }
  if (status.nlink > 1 && type !== 'directory') all.links.set(status.inode, path);
  const linkName = type === 'symlink' ? readLinkAt(directory, cName).toString('latin1') : '';
  const xattrs = new Map<ByteString, Buffer>();
  for (const key of listXattrsAt(directory, cName).sort()) {
    if (key.startsWith('trusted.overlay.')) continue;
    const value = getXattrAt(directory, cName, cString(Buffer.from(key, 'latin1')));
    if (value) xattrs.set(key, value);
  }
  yield header({ ...attributes(status), type, name: path, linkName, xattrs });
  if (type === 'file') yield* content({ directory, name: cName, path, size: status.size }, all.room);
  else if (type === 'directory') {
    const fd = check(tryOpenAt(directory, cName, O_RDONLY | O_DIRECTORY | O_NOFOLLOW), `open ${path}`);
    try {
      yield* walk(fd, `${path}/`, all);
    } finally {
      closeSync(fd);
    }
  }
}

const noXattrs: TarEntry['xattrs'] = new Map();

function header(entry: TarEntry): DiffPiece {
  return { bytes: formatTarHeader(entry), entry };
}

function whiteout(name: ByteString): TarEntry {
  const nobody = { uid: 0, gid: 0, mode: 0, mtime: 0n, deviceMajor: 0, deviceMinor: 0 };
  return { type: 'file', name, linkName: '', size: 0, xattrs: noXattrs, ...nobody };
}

const types = new Map<number, TarEntryType>([
  [S_IFREG, 'file'],
  [S_IFDIR, 'directory'],
  [S_IFLNK, 'symlink'],
  [S_IFCHR, 'character'],
  [S_IFBLK, 'block'],
  [S_IFIFO, 'fifo'],
]);

function attributes(status: FileStatus): Omit<TarEntry, 'type' | 'name' | 'linkName' | 'xattrs'> {
  const isDevice = (status.mode & S_IFMT) === S_IFCHR || (status.mode & S_IFMT) === S_IFBLK;
  return {
    mode: status.mode & 0o7777,
    uid: status.uid,
    gid: status.gid,
    size: (status.mode & S_IFMT) === S_IFREG ? status.size : 0,
    mtime: status.mtime,
    deviceMajor: isDevice ? status.deviceMajor : 0,
    deviceMinor: isDevice ? status.deviceMinor : 0,
  };
}

interface Content {
  readonly directory: number;
  readonly name: Uint8Array;
  readonly path: ByteString;
  readonly size: number;
}

/** Exactly `size` bytes: a file that shrinks meanwhile is filled with zeros, since the header is already out. */
function* content({ directory, name, path, size }: Content, room: Room): Generator<DiffPiece> {
  const fd = check(tryOpenAt(directory, name, O_RDONLY | O_NOFOLLOW), 'open');
  try {
    for (let done = 0; done < size; ) {
      const buffer = room(size - done);
      const count = readAt(fd, buffer, done);
      if (count === 0) buffer.fill(0);
      const bytes = count === 0 ? buffer : buffer.subarray(0, count);
      yield { bytes, file: { path, offset: done } };
      done += bytes.length;
    }
    yield { bytes: tarPadding(size) };
  } finally {
    closeSync(fd);
  }
}

function isOpaque(directory: number): boolean {
  return getXattrAt(directory, cString('.'), cString('trusted.overlay.opaque'))?.toString() === 'y';
}
