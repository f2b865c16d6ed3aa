import { closeSync, fstatSync, readlinkSync, readSync } from 'node:fs';
import { check, SystemError } from './errno.ts';
import { cString, syscall } from './syscall.ts';

/**
 * Paths that come from an image, an archive or a client. Every lookup starts at a root directory and cannot leave
 * it: openat2(2) with RESOLVE_IN_ROOT reads absolute symlinks and `..` as the container itself would, and is safe
 * against a process that swaps directories and links meanwhile.
 */

const AT_FDCWD = -100;
const O_RDONLY = 0;
const O_DIRECTORY = process.arch === 'arm64' ? 0o40000 : 0o200000;
const O_NOFOLLOW = process.arch === 'arm64' ? 0o100000 : 0o400000;
const O_NONBLOCK = 0o4000;
const O_PATH = 0o10000000;
const O_CLOEXEC = 0o2000000;
const RESOLVE_NO_MAGICLINKS = 2n;
const RESOLVE_IN_ROOT = 0x10n;
const ENOENT = 2;
const EEXIST = 17;
const ENOTDIR = 20;
const EAGAIN = 11;
const ELOOP = 40;

export const openFlags = { O_RDONLY, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_PATH, O_CLOEXEC } as const;

/** An open descriptor, closed at the end of its `using` block. */
export interface OpenFile extends Disposable {
  readonly fd: number;
}

function own(fd: number): OpenFile {
  return { fd, [Symbol.dispose]: () => closeSync(fd) };
}

/** Opens a directory of the host as the root for lookups. Follows `/proc/<pid>/root`. */
export function openRoot(path: string): OpenFile {
  const fd = syscall('openat', AT_FDCWD, cString(path), O_PATH | O_DIRECTORY | O_CLOEXEC);
  return own(check(fd, `open ${path}`));
}

/** Opens `path` below the root. Throws SystemError (ENOENT, ELOOP, ENOTDIR...). */
export function openInRoot(root: OpenFile, path: string, flags: number, mode = 0): OpenFile {
  return own(check(tryOpen(root, path, flags, mode), `open ${path}`));
}

function tryOpen(root: OpenFile, path: string, flags: number, mode = 0): number {
  const how = new BigUint64Array([BigInt(flags | O_CLOEXEC), BigInt(mode), RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS]);
  const name = cString(path === '' ? '/' : path);
  // EAGAIN: something above was renamed during the lookup; openat2(2) asks to try again.
  for (let attempt = 0; ; attempt++) {
    const fd = syscall('openat2', root.fd, name, how, how.byteLength);
    if (fd !== -EAGAIN || attempt === 64) return fd;
  }
}

/** A regular file's bytes, or undefined where there is none (absent, or of another kind). */
export function readFileInRoot(root: OpenFile, path: string, maximumBytes = 16 * 1024 * 1024): Buffer | undefined {
  const fd = tryOpen(root, path, O_RDONLY | O_NONBLOCK);
  if (fd === -ENOENT || fd === -ENOTDIR || fd === -ELOOP) return undefined;
  using file = own(check(fd, `open ${path}`));
  const stat = fstatSync(file.fd);
  if (!stat.isFile()) return undefined;
  const bytes = Buffer.alloc(Math.min(stat.size, maximumBytes));
  let length = 0;
  while (length < bytes.length) {
    const count = readSync(file.fd, bytes, length, bytes.length - length, length);
    if (count === 0) break;
    length += count;
  }
  return bytes.subarray(0, length);
}

/** Where `path` leads inside the root, as a path of the host; undefined if nothing is there. */
export function resolveInRoot(root: OpenFile, path: string): string | undefined {
  const fd = tryOpen(root, path, O_PATH);
  if (fd === -ENOENT || fd === -ENOTDIR) return undefined;
  using file = own(check(fd, `open ${path}`));
  return readlinkSync(`/proc/self/fd/${file.fd}`);
}

export interface NewDirectory {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** Makes a directory and its missing parents below the root; the given owner and mode go to new ones only. */
export function makeDirectoryInRoot(root: OpenFile, path: string, attributes: NewDirectory): void {
  makeDirectories(root, path, attributes, 0);
}

function makeDirectories(root: OpenFile, path: string, attributes: NewDirectory, depth: number): void {
  if (depth > 40) throw new SystemError(`make directory ${path}`, ELOOP);
  const names = path.split('/').filter((name) => name !== '' && name !== '.');
  let parent = '/';
  for (const name of names) {
    const current = `${parent}/${name}`;
    const fd = tryOpen(root, current, O_PATH | O_DIRECTORY);
    if (fd >= 0) closeSync(fd);
    else if (fd === -ENOENT) makeOne(root, parent, name, attributes, depth);
    else check(fd, `make directory ${path}`);
    parent = current;
  }
}

function makeOne(root: OpenFile, parent: string, name: string, attributes: NewDirectory, depth: number): void {
  using directory = openInRoot(root, parent, O_PATH | O_DIRECTORY);
  const made = syscall('mkdirat', directory.fd, cString(name), attributes.mode);
  if (made === -EEXIST) {
    // A link that leads nowhere yet: make the place it names, as the container would see it.
    const target = readLinkAt(directory.fd, name);
    if (target === undefined) return;
    makeDirectories(root, target.startsWith('/') ? target : `${parent}/${target}`, attributes, depth + 1);
    return;
  }
  check(made, `make directory ${parent}/${name}`);
  const AT_SYMLINK_NOFOLLOW = 0x100;
  check(
    syscall('fchownat', directory.fd, cString(name), attributes.uid, attributes.gid, AT_SYMLINK_NOFOLLOW),
    `chown ${parent}/${name}`,
  );
}

function readLinkAt(directory: number, name: string): string | undefined {
  const buffer = new Uint8Array(4096);
  const length = syscall('readlinkat', directory, cString(name), buffer, buffer.length);
  return length < 0 ? undefined : Buffer.from(buffer.buffer, 0, length).toString();
}
