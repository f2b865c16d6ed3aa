import { check, SystemError } from './errno.ts';
import type { CName } from './file.ts';
import { cString, syscall } from './syscall.ts';

const ENODATA = 61;
const ENOTSUP = 95;
const ERANGE = 34;

/** Sets an attribute of an open file or directory. Returns 0 or -errno. */
export function trySetXattr(fd: number, name: CName, value: Uint8Array): number {
  return syscall('fsetxattr', fd, name, value, value.length, 0);
}

/** As `trySetXattr`, for a name in a directory that may be a link, device or FIFO; the name itself, not its target. */
export function trySetXattrAt(directory: number, name: Uint8Array, attribute: CName, value: Uint8Array): number {
  // There is no setxattrat before Linux 6.13: the path through /proc names the same entry.
  return syscall('lsetxattr', procPath(directory, name), attribute, value, value.length, 0);
}

/** The names of an entry's attributes; none where the file system has no attributes. */
export function listXattrsAt(directory: number, name: Uint8Array): string[] {
  const path = procPath(directory, name);
  for (let size = 1024; ; size *= 4) {
    const buffer = Buffer.alloc(size);
    const length = syscall('llistxattr', path, buffer, size);
    if (length === -ERANGE) continue;
    if (length === -ENOTSUP) return [];
    check(length, 'list xattrs');
    return buffer.toString('latin1', 0, length).split('\0').filter(Boolean);
  }
}

/** An attribute's value, or undefined where it is not set. */
export function getXattrAt(directory: number, name: Uint8Array, attribute: CName): Buffer | undefined {
  const path = procPath(directory, name);
  for (let size = 256; ; size *= 16) {
    const buffer = Buffer.alloc(size);
    const length = syscall('lgetxattr', path, attribute, buffer, size);
    if (length === -ERANGE) continue;
    if (length === -ENODATA || length === -ENOTSUP) return undefined;
    if (length < 0) throw new SystemError('get xattr', -length);
    return buffer.subarray(0, length);
  }
}

/** `/proc/self/fd/<directory>/<name>`; `name` may be longer than its NUL-terminated text. */
function procPath(directory: number, name: Uint8Array): Uint8Array {
  const end = name.indexOf(0);
  const text = Buffer.from(name.buffer, name.byteOffset, end < 0 ? name.length : end);
  return cString(Buffer.concat([Buffer.from(`/proc/self/fd/${directory}/`), text]));
}
