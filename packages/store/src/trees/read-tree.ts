import { closeSync, fstatSync, readdirSync } from 'node:fs';
import { type IdMapping, toContainerId } from '@wharf/base/id-mapping';
import type { ByteString, TarEntry, TarEntryType } from '@wharf/oci/layer/tar-header';
import { formatTarHeader, tarPadding, tarTrailer } from '@wharf/oci/layer/tar-writer';
import { check, SystemError } from '@wharf/sys/errno';
import { O_NOFOLLOW, O_PATH, O_RDONLY, readLinkAt, tryOpenAt } from '@wharf/sys/file';
import { isKernelFile } from '@wharf/sys/kernel-file-system';
import { type OpenFile, openFlags, openInRoot } from '@wharf/sys/safe-path';
import { cString } from '@wharf/sys/syscall';
import { getXattrAt, listXattrsAt } from '@wharf/sys/xattr';
import { baseName, openNamed } from './path-stat.ts';
import type { OpenTree } from './tree-source.ts';

const ENOENT = 2;

type Stat = ReturnType<typeof statOf>;
type OwnedTree = Pick<OpenTree, 'root' | 'idMapping'>;

/** Bytes of a tar, or all of a file's content; its descriptor is open until the next piece is asked for. */
export type ArchivePiece = Buffer | FileContent;

export interface FileContent {
  readonly fd: number;
  /** What the header says: where the file has shrunk, zeros take the place of the rest. */
  readonly size: number;
}

/** What one archive shares: which file each hard link was first. */
interface Walk {
  readonly idMapping: IdMapping | undefined;
  readonly links: Map<string, ByteString>;
}

/**
 * The tar of what `path` names, members named after its last component; a final link itself, not its target. Every
 * file is opened by its directory's descriptor and looked at before it is read, so that nothing a container puts in
 * its place meanwhile is followed, and no device is ever opened.
 */
export function* archivePath({ root, idMapping }: OwnedTree, path: string): Generator<ArchivePiece> {
  using file = openNamed(root, path);
  const stat = statOf(file.fd);
  const name = toBytes(baseName(path));
  yield* walkFrom(root, file, stat, { name, path, idMapping });
  yield tarTrailer();
}

function* walkFrom(
  root: OpenFile,
  file: OpenFile,
  stat: Stat,
  { name, path, idMapping }: { name: string; path: string; idMapping: IdMapping | undefined },
): Generator<ArchivePiece> {
  const walk: Walk = { idMapping, links: new Map() };
  if (stat.isDirectory()) {
    yield* member(file.fd, '.', stat, name, walk);
    yield* directory(file.fd, name === '/' ? '/' : `${name}/`, stat.dev, walk);
    return;
  }
  using parent = openInRoot(root, parentOf(path), openFlags.O_PATH | openFlags.O_DIRECTORY);
  yield* entry(parent.fd, name, name, stat.dev, walk);
}

/** All of the tree, names relative to it, the way an image's root file system is archived. */
export function* archiveRoot({ root, idMapping }: OwnedTree): Generator<ArchivePiece> {
  yield* directory(root.fd, '', statOf(root.fd).dev, { idMapping, links: new Map() });
  yield tarTrailer();
}

function parentOf(path: string): string {
  const cut = path.replace(/\/+$/, '');
  return cut.slice(0, cut.lastIndexOf('/') + 1) || '/';
}

function* directory(fd: number, prefix: ByteString, device: bigint, walk: Walk): Generator<ArchivePiece> {
  // Another file system may be one of the kernel's: its files are no content.
  if (statOf(fd).dev !== device && isKernelFile(fd)) return;
  const names = readdirSync(`/proc/self/fd/${fd}`, { encoding: 'buffer' }).map((name) => name.toString('latin1'));
  for (const name of names.sort()) yield* entry(fd, name, prefix + name, device, walk);
}

function* entry(
  parent: number,
  name: ByteString,
  path: ByteString,
  device: bigint,
  walk: Walk,
): Generator<ArchivePiece> {
  const opened = tryOpenAt(parent, cString(Buffer.from(name, 'latin1')), O_PATH | O_NOFOLLOW);
  // Removed since it was listed.
  if (opened === -ENOENT) return;
  const fd = check(opened, `open ${path}`);
  try {
    const stat = statOf(fd);
    yield* member(parent, name, stat, path, walk, fd);
    if (stat.isDirectory()) yield* directory(fd, `${path}/`, device, walk);
  } finally {
    closeSync(fd);
  }
}

function* member(
  parent: number,
  name: ByteString,
  stat: Stat,
  path: ByteString,
  { links, idMapping }: Walk,
  fd = parent,
): Generator<ArchivePiece> {
  const type = typeOf(stat);
  // A socket means nothing without its listener.
  if (!type) return;
  const attributes = attributesOf(stat, idMapping);
  if (stat.nlink > 1n && type !== 'directory') {
    const key = `${stat.dev}:${stat.ino}`;
    const first = links.get(key);
    if (first !== undefined) {
      yield formatTarHeader({ ...attributes, type: 'link', name: path, linkName: first, size: 0 });
      return;
    }
    links.set(key, path);
  }
  // An empty name is the open link itself. readlinkat(2)
  const linkName = type === 'symlink' ? readLinkAt(fd, cString('')).toString('latin1') : '';
  const xattrs = type === 'file' || type === 'directory' ? readXattrs(parent, name) : new Map<ByteString, Buffer>();
  const size = type === 'file' ? Number(stat.size) : 0;
  yield formatTarHeader({ ...attributes, type, name: path, linkName, xattrs, size });
  if (type === 'file') yield* content(fd, size);
}

function* content(node: number, size: number): Generator<ArchivePiece> {
  if (size === 0) return;
  // The very file that was looked at, whatever has its name by now.
  const fd = check(tryOpenAt(-1, cString(`/proc/self/fd/${node}`), O_RDONLY), 'open');
  try {
    yield { fd, size };
    yield tarPadding(size);
  } finally {
    closeSync(fd);
  }
}

/** As Docker: file capabilities alone; other attributes belong to the file system they are on. */
function readXattrs(parent: number, name: ByteString): Map<ByteString, Buffer> {
  const cName = cString(Buffer.from(name, 'latin1'));
  const key = 'security.capability';
  const found = new Map<ByteString, Buffer>();
  try {
    if (!listXattrsAt(parent, cName).includes(key)) return found;
    const value = getXattrAt(parent, cName, cString(key));
    if (value) found.set(key, value);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
  }
  return found;
}

function statOf(fd: number) {
  return fstatSync(fd, { bigint: true });
}

function typeOf(stat: Stat): TarEntryType | undefined {
  if (stat.isFile()) return 'file';
  if (stat.isDirectory()) return 'directory';
  if (stat.isSymbolicLink()) return 'symlink';
  if (stat.isCharacterDevice()) return 'character';
  if (stat.isBlockDevice()) return 'block';
  return stat.isFIFO() ? 'fifo' : undefined;
}

function attributesOf(
  stat: Stat,
  idMapping: IdMapping | undefined,
): Omit<TarEntry, 'type' | 'name' | 'linkName' | 'xattrs' | 'size'> {
  const uid = Number(stat.uid);
  const gid = Number(stat.gid);
  const isDevice = stat.isCharacterDevice() || stat.isBlockDevice();
  const device = isDevice ? Number(stat.rdev) : 0;
  return {
    mode: Number(stat.mode) & 0o7777,
    uid: idMapping ? toContainerId(idMapping.uids, uid) : uid,
    gid: idMapping ? toContainerId(idMapping.gids, gid) : gid,
    mtime: stat.mtimeNs,
    // makedev(3)
    deviceMajor: (device >>> 8) & 0xfff,
    deviceMinor: (device & 0xff) | ((device >>> 12) & 0xfff00),
  };
}

function toBytes(text: string): ByteString {
  return Buffer.from(text).toString('latin1');
}
