import { check } from '@wharf/sys/errno';
import { chmodFile, chownFile, setTimesFile } from '@wharf/sys/file';
import { cString } from '@wharf/sys/syscall';
import { trySetXattr } from '@wharf/sys/xattr';

const ENOTSUP = 95;

/** What an entry looks like. */
export interface Attributes {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Nanoseconds since 1970; undefined is now. */
  readonly mtime: bigint | undefined;
  readonly xattrs?: ReadonlyMap<string, Uint8Array>;
}

/** Of an open file or directory. chown(2) clears setuid bits and capabilities: it comes first. */
export function setAttributes(fd: number, { uid, gid, mode, mtime, xattrs }: Attributes, shown: string): void {
  chownFile(fd, uid, gid);
  chmodFile(fd, mode & 0o7777);
  for (const [key, value] of xattrs ?? []) {
    const result = trySetXattr(fd, cString(Buffer.from(key, 'latin1')), value);
    // A file system without them has the file all the same.
    if (result !== -ENOTSUP) check(result, `set xattr of ${shown}`);
  }
  if (mtime !== undefined) setTimesFile(fd, mtime);
}
