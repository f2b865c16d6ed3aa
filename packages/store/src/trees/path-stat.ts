import { fstatSync } from 'node:fs';
import { posix } from 'node:path';
import { SystemError } from '@wharf/sys/errno';
import { readLinkAt, S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFSOCK } from '@wharf/sys/file';
import { isKernelFile } from '@wharf/sys/kernel-file-system';
import { type OpenFile, openFlags, openInRoot } from '@wharf/sys/safe-path';
import { cString } from '@wharf/sys/syscall';

/** What `X-Docker-Container-Path-Stat` says of a path. */
export interface PathStat {
  readonly name: string;
  readonly size: number;
  /** As Go's os.FileMode, not st_mode. */
  readonly mode: number;
  /** RFC 3339 with nanoseconds. */
  readonly mtime: string;
  /** Where a symbolic link leads in the end, as far as that exists; '' for anything else. */
  readonly linkTarget: string;
}

const ENOENT = 2;

/** Opens what a path names inside the root, a final link itself unless a slash follows. Throws SystemError. */
export function openNamed(root: OpenFile, path: string, options: { readonly follow?: boolean } = {}): OpenFile {
  const file = openInRoot(root, path, openFlags.O_PATH | (options.follow ? 0 : openFlags.O_NOFOLLOW));
  if (!isKernelFile(file.fd)) return file;
  file[Symbol.dispose]();
  throw new SystemError(`open ${path}`, ENOENT);
}

export function statPath(root: OpenFile, path: string): PathStat {
  using file = openNamed(root, path);
  const stat = fstatSync(file.fd, { bigint: true });
  return {
    name: baseName(path),
    size: Number(stat.size),
    mode: goFileMode(Number(stat.mode)),
    mtime: formatTime(stat.mtimeNs),
    linkTarget: stat.isSymbolicLink() ? followLinks(root, path) : '',
  };
}

/** Go's path.Base. */
export function baseName(path: string): string {
  if (path === '') return '.';
  const stripped = path.replace(/\/+$/, '');
  return stripped === '' ? '/' : stripped.slice(stripped.lastIndexOf('/') + 1);
}

/** st_mode's bits where Go's os.FileMode has them. */
export function goFileMode(mode: number): number {
  const special = (mode & 0o4000 ? 2 ** 23 : 0) + (mode & 0o2000 ? 2 ** 22 : 0) + (mode & 0o1000 ? 2 ** 20 : 0);
  return (mode & 0o777) + special + goFileKind(mode & S_IFMT);
}

function goFileKind(kind: number): number {
  switch (kind) {
    case S_IFDIR:
      return 2 ** 31;
    case S_IFLNK:
      return 2 ** 27;
    case S_IFBLK:
      return 2 ** 26;
    case S_IFCHR:
      return 2 ** 26 + 2 ** 21;
    case S_IFIFO:
      return 2 ** 25;
    case S_IFSOCK:
      return 2 ** 24;
  }
  return 0;
}

function formatTime(nanoseconds: bigint): string {
  const second = 1_000_000_000n;
  const fraction = ((nanoseconds % second) + second) % second;
  const whole = new Date(Number((nanoseconds - fraction) / 1_000_000n)).toISOString().slice(0, 19);
  const digits = String(fraction).padStart(9, '0').replace(/0+$/, '');
  return digits === '' ? `${whole}Z` : `${whole}.${digits}Z`;
}

/** For people and clients only: what it answers is looked up again, inside the root, when somebody uses it. */
function followLinks(root: OpenFile, path: string): string {
  const pending = path.split('/').filter((name) => name !== '' && name !== '.');
  let current = '/';
  for (let links = 0; pending.length > 0; ) {
    const name = pending.shift()!;
    const next = posix.join(current, name);
    const target = name === '..' ? undefined : readLink(root, next);
    if (target === undefined) {
      current = next;
      continue;
    }
    if (++links > 255) return path;
    if (target.startsWith('/')) current = '/';
    pending.unshift(...target.split('/').filter((part) => part !== '' && part !== '.'));
  }
  return current;
}

function readLink(root: OpenFile, path: string): string | undefined {
  try {
    using file = openNamed(root, path);
    // An empty name is the open link itself. readlinkat(2)
    return fstatSync(file.fd).isSymbolicLink() ? readLinkAt(file.fd, cString('')).toString() : undefined;
  } catch {
    return undefined;
  }
}
