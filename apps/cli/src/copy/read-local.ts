import {
  type BigIntStats,
  closeSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  statSync,
} from 'node:fs';
import type { TarEntryType } from '@wharf/oci/layer/tar-header';
import { formatTarHeader, tarPadding, tarTrailer } from '@wharf/oci/layer/tar-writer';
import { ExitError } from '../exit-error.ts';

const chunkSize = 1 << 20;

/** The tar of a file or directory of this machine, members named after `name`; with `follow` a link is its target. */
export async function* archiveLocal(path: string, name: string, follow: boolean): AsyncGenerator<Uint8Array> {
  const stat = follow ? statSync(path, { bigint: true }) : lstatSync(path, { bigint: true });
  yield* member(Buffer.from(path), stat, toBytes(name), { links: new Map(), choose: () => 'take' });
  yield tarTrailer();
}

/** `leave` also leaves all that is below a directory. */
export type Choice = 'take' | 'skip' | 'leave';

interface Members {
  /** First names of files with several, by device and inode. */
  readonly links: Map<string, string>;
  readonly choose: (name: string, isDirectory: boolean) => Choice;
  /** Of all members, in place of what they have here. */
  readonly owner?: { readonly uid: number; readonly gid: number };
}

/** The members of a tar, without its end, for what `choose` takes of a directory; all are root's. */
export function* membersBelow(directory: string, choose: Members['choose']): Generator<Uint8Array> {
  const members = { links: new Map(), choose, owner: { uid: 0, gid: 0 } };
  yield* children(Buffer.from(directory), '', members);
}

function* member(path: Buffer, stat: BigIntStats, name: string, members: Members): Generator<Uint8Array> {
  const { links, owner } = members;
  const type = typeOf(stat);
  // A socket means nothing without its listener.
  if (!type) return;
  const choice = members.choose(Buffer.from(name, 'latin1').toString(), type === 'directory');
  if (choice !== 'take') {
    if (choice === 'skip' && type === 'directory') yield* children(path, `${name}/`, members);
    return;
  }
  const attributes = { ...attributesOf(stat), ...owner };
  const key = `${stat.dev}:${stat.ino}`;
  const first = type === 'directory' ? undefined : links.get(key);
  if (first !== undefined) {
    yield formatTarHeader({ ...attributes, type: 'link', name, linkName: first });
    return;
  }
  if (stat.nlink > 1n && type !== 'directory') links.set(key, name);
  const linkName = type === 'symlink' ? readlinkSync(path, { encoding: 'buffer' }).toString('latin1') : '';
  yield formatTarHeader({ ...attributes, type, name, linkName, size: type === 'file' ? Number(stat.size) : 0 });
  if (type === 'file') yield* content(path, Number(stat.size));
  if (type === 'directory') yield* children(path, `${name}/`, members);
}

function* children(path: Buffer, prefix: string, members: Members): Generator<Uint8Array> {
  for (const child of readdirSync(path, { encoding: 'buffer' }).sort(Buffer.compare)) {
    const below = Buffer.concat([path, Buffer.from('/'), child]);
    const status = lstatSync(below, { bigint: true, throwIfNoEntry: false });
    if (status) yield* member(below, status, `${prefix}${child.toString('latin1')}`, members);
  }
}

/** Exactly `size` bytes, since the header is out; a file that shrinks meanwhile ends the copy. */
function* content(path: Buffer, size: number): Generator<Uint8Array> {
  const fd = openSync(path, 'r');
  try {
    for (let done = 0; done < size; ) {
      const buffer = Buffer.allocUnsafeSlow(Math.min(chunkSize, size - done));
      const count = readSync(fd, buffer, 0, buffer.length, done);
      if (count === 0) throw new ExitError(1, `${path} became shorter while it was copied`);
      yield buffer.subarray(0, count);
      done += count;
    }
    yield tarPadding(size);
  } finally {
    closeSync(fd);
  }
}

function attributesOf(stat: BigIntStats) {
  const isDevice = stat.isCharacterDevice() || stat.isBlockDevice();
  const device = isDevice ? Number(stat.rdev) : 0;
  return {
    mode: Number(stat.mode) & 0o7777,
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    mtime: stat.mtimeNs,
    // makedev(3)
    deviceMajor: (device >>> 8) & 0xfff,
    deviceMinor: (device & 0xff) | ((device >>> 12) & 0xfff00),
  };
}

function typeOf(stat: BigIntStats): TarEntryType | undefined {
  if (stat.isFile()) return 'file';
  if (stat.isDirectory()) return 'directory';
  if (stat.isSymbolicLink()) return 'symlink';
  if (stat.isCharacterDevice()) return 'character';
  if (stat.isBlockDevice()) return 'block';
  return stat.isFIFO() ? 'fifo' : undefined;
}

function toBytes(text: string): string {
  return Buffer.from(text).toString('latin1');
}
