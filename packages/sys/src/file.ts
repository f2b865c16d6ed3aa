import { closeSync } from 'node:fs';
import { check, SystemError } from './errno.ts';
import { syscall } from './syscall.ts';

/**
 * The *at system calls for code that builds trees of files: relative to a directory's descriptor, one component at
 * a time, never following a link, with modes, owners, devices and nanosecond times that node:fs cannot give.
 * Names are NUL-terminated bytes: `cString(text)`, or a `NameBuffer`'s.
 */
export type CName = Uint8Array;

const arm64 = process.arch === 'arm64';
export const O_RDONLY = 0;
export const O_WRONLY = 1;
export const O_CREAT = 0o100;
export const O_EXCL = 0o200;
export const O_DIRECTORY = arm64 ? 0o40000 : 0o200000;
export const O_NOFOLLOW = arm64 ? 0o100000 : 0o400000;
export const O_CLOEXEC = 0o2000000;
export const O_PATH = 0o10000000;

export const S_IFMT = 0o170000;
export const S_IFSOCK = 0o140000;
export const S_IFLNK = 0o120000;
export const S_IFREG = 0o100000;
export const S_IFBLK = 0o060000;
export const S_IFDIR = 0o040000;
export const S_IFCHR = 0o020000;
export const S_IFIFO = 0o010000;

const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_REMOVEDIR = 0x200;
const RESOLVE_NO_MAGICLINKS = 2n;
const RESOLVE_IN_ROOT = 0x10n;

/** A name written again and again without allocating; holds one name at a time. */
export class NameBuffer {
  readonly #bytes = Buffer.alloc(4097);

  /** `name` is a byte string: each char one byte. Throws RangeError beyond PATH_MAX or with a NUL inside. */
  set(name: string): CName {
    if (name.length > 4096) throw new RangeError('file name too long');
    if (name.includes('\0')) throw new RangeError('file name holds a NUL byte');
    this.#bytes.write(name, 0, 'latin1');
    this.#bytes[name.length] = 0;
    return this.#bytes;
  }
}

/** Returns the descriptor, or -errno. */
export function tryOpenAt(directory: number, name: CName, flags: number, mode = 0): number {
  return syscall('openat', directory, name, flags | O_CLOEXEC, mode);
}

/** Opens a path below `root` that may go through links; none leads out. Returns the descriptor, or -errno. */
export function tryOpenBelow(root: number, path: CName, flags: number, mode = 0): number {
  const how = new BigUint64Array([BigInt(flags | O_CLOEXEC), BigInt(mode), RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS]);
  return syscall('openat2', root, path, how, how.byteLength);
}

/** Opens a directory of the host by path. Throws SystemError. */
export function openDirectory(path: CName): number {
  return check(tryOpenAt(AT_FDCWD, path, O_RDONLY | O_DIRECTORY), 'open directory');
}

/** Returns 0 or -errno, as do the other `try` functions. */
export function tryMkdirAt(directory: number, name: CName, mode: number): number {
  return syscall('mkdirat', directory, name, mode);
}

export function tryMknodAt(directory: number, name: CName, mode: number, device: number): number {
  return syscall('mknodat', directory, name, mode, device);
}

export function trySymlinkAt(target: CName, directory: number, name: CName): number {
  return syscall('symlinkat', target, directory, name);
}

/** Links what `fromName` is, also where it is a symbolic link. */
export function tryLinkAt(fromDirectory: number, fromName: CName, directory: number, name: CName): number {
  return syscall('linkat', fromDirectory, fromName, directory, name, 0);
}

export function tryRenameAt(fromDirectory: number, fromName: CName, directory: number, name: CName): number {
  return syscall('renameat2', fromDirectory, fromName, directory, name, 0);
}

export function tryUnlinkAt(directory: number, name: CName, options: { directory?: boolean } = {}): number {
  return syscall('unlinkat', directory, name, options.directory ? AT_REMOVEDIR : 0);
}

export function chownAt(directory: number, name: CName, uid: number, gid: number): void {
  check(syscall('fchownat', directory, name, uid, gid, AT_SYMLINK_NOFOLLOW), 'chown');
}

/** Follows a link: only for names known to be none. */
export function chmodAt(directory: number, name: CName, mode: number): void {
  check(syscall('fchmodat', directory, name, mode), 'chmod');
}

export function chownFile(fd: number, uid: number, gid: number): void {
  check(syscall('fchown', fd, uid, gid), 'chown');
}

export function chmodFile(fd: number, mode: number): void {
  check(syscall('fchmod', fd, mode), 'chmod');
}

const times = new BigInt64Array(4);
const timesBytes = new Uint8Array(times.buffer);

/** Sets access and modification time; a link's own. Nanoseconds since 1970. */
export function setTimesAt(directory: number, name: CName, mtime: bigint): void {
  fillTimes(mtime);
  check(syscall('utimensat', directory, name, timesBytes, AT_SYMLINK_NOFOLLOW), 'set times');
}

export function setTimesFile(fd: number, mtime: bigint): void {
  fillTimes(mtime);
  check(syscall('utimensat', fd, null, timesBytes, 0), 'set times');
}

function fillTimes(mtime: bigint): void {
  const second = 1_000_000_000n;
  const nanoseconds = ((mtime % second) + second) % second;
  times[0] = times[2] = (mtime - nanoseconds) / second;
  times[1] = times[3] = nanoseconds;
}

export interface FileStatus {
  /** Kind and permissions, as st_mode. */
  readonly mode: number;
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** Bytes on disk. */
  readonly allocated: number;
  readonly inode: bigint;
  /** Nanoseconds since 1970. */
  readonly mtime: bigint;
  /** Of the last change of content or attributes, as the kernel noted it: ctime. */
  readonly changed: bigint;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
}

const statBuffer = Buffer.alloc(256);

/** statx(2) of the name itself, or -errno. */
export function tryStatAt(directory: number, name: CName): FileStatus | number {
  const AT_NO_AUTOMOUNT = 0x800;
  const STATX_BASIC_STATS = 0x7ff;
  const result = syscall(
    'statx',
    directory,
    name,
    AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT,
    STATX_BASIC_STATS,
    statBuffer,
  );
  return result < 0 ? result : decodeStatx(statBuffer);
}

// struct statx, linux/stat.h
function decodeStatx(b: Buffer): FileStatus {
  return {
    nlink: b.readUInt32LE(16),
    uid: b.readUInt32LE(20),
    gid: b.readUInt32LE(24),
    mode: b.readUInt16LE(28),
    inode: b.readBigUInt64LE(32),
    size: Number(b.readBigUInt64LE(40)),
    allocated: Number(b.readBigUInt64LE(48)) * 512,
    changed: b.readBigInt64LE(96) * 1_000_000_000n + BigInt(b.readUInt32LE(104)),
    mtime: b.readBigInt64LE(112) * 1_000_000_000n + BigInt(b.readUInt32LE(120)),
    deviceMajor: b.readUInt32LE(128),
    deviceMinor: b.readUInt32LE(132),
  };
}

/** Writes all of it at `offset`. Throws SystemError (ENOSPC...); `what` begins its text. */
export function writeAt(fd: number, bytes: Uint8Array, offset: number, what = 'write'): void {
  let done = 0;
  while (done < bytes.length) {
    const rest = done === 0 ? bytes : bytes.subarray(done);
    const count = syscall('pwrite64', fd, rest, rest.length, offset + done);
    if (count < 0) throw new SystemError(what, -count);
    done += count;
  }
}

/** Reads up to `buffer.length` bytes at `offset`; 0 at the end. */
export function readAt(fd: number, buffer: Uint8Array, offset: number): number {
  return check(syscall('pread64', fd, buffer, buffer.length, offset), 'read');
}

/** Copies all of a file inside the kernel, which shares the blocks where the file system can. */
export function copyFileContent(from: number, to: number, size: number): void {
  for (let done = 0; done < size; ) {
    const count = syscall('copy_file_range', from, null, to, null, Math.min(size - done, 1 << 30), 0);
    if (count === -EXDEV || count === -EINVAL || count === -ENOSYS || count === -EOPNOTSUPP) {
      copyThroughMemory(from, to, done, size);
      return;
    }
    if (check(count, 'copy file content') === 0) return;
    done += count;
  }
}

const EINVAL = 22;
const EXDEV = 18;
const ENOSYS = 38;
const EOPNOTSUPP = 95;

function copyThroughMemory(from: number, to: number, start: number, size: number): void {
  const buffer = Buffer.allocUnsafe(Math.min(size - start, 1 << 20));
  for (let done = start; done < size; ) {
    const count = readAt(from, buffer, done);
    if (count === 0) return;
    writeAt(to, buffer.subarray(0, count), done, 'copy file content');
    done += count;
  }
}

export function truncateFile(fd: number, size: number): void {
  check(syscall('ftruncate', fd, size), 'truncate');
}

/** The link's target as bytes. Throws SystemError. */
export function readLinkAt(directory: number, name: CName): Buffer {
  const buffer = Buffer.alloc(4097);
  return buffer.subarray(0, check(syscall('readlinkat', directory, name, buffer, buffer.length), 'readlink'));
}

/** Device number as mknod(2) takes it. */
export function makeDevice(major: number, minor: number): number {
  return (minor & 0xff) + ((major & 0xfff) << 8) + (minor >>> 8) * 0x100000;
}

export function closeFile(fd: number): void {
  closeSync(fd);
}

/** Waits until all of the file system that holds `fd` is on disk. */
export function syncFileSystem(fd: number): void {
  check(syscall('syncfs', fd), 'syncfs');
}

/**
 * Tells ext4 that the directories inside this one have nothing to do with each other (chattr +T): each then goes to a
 * block group of its own choice. Other file systems need no such hint.
 */
export function spreadSubdirectories(path: CName): void {
  const FS_IOC_GETFLAGS = 0x80086601;
  const FS_IOC_SETFLAGS = 0x40086602;
  const FS_TOPDIR_FL = 0x00020000;
  const fd = openDirectory(path);
  try {
    const flags = new Int32Array(2);
    if (syscall('ioctl', fd, FS_IOC_GETFLAGS, flags) < 0) return;
    flags[0] = flags[0]! | FS_TOPDIR_FL;
    syscall('ioctl', fd, FS_IOC_SETFLAGS, flags);
  } finally {
    closeSync(fd);
  }
}
