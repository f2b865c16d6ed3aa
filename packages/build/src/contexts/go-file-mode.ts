import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFREG, S_IFSOCK } from '@wharf/sys/file';

/** Go's os.FileMode as st_mode. Its own of st_mode is `goFileMode` (store/trees/path-stat). */
export function fromGoFileMode(mode: number): number {
  const has = (bit: number) => Math.floor(mode / 2 ** bit) % 2 === 1;
  let result = mode & 0o777;
  if (has(23)) result |= 0o4000;
  if (has(22)) result |= 0o2000;
  if (has(20)) result |= 0o1000;
  if (has(31)) return result | S_IFDIR;
  if (has(27)) return result | S_IFLNK;
  if (has(26)) return result | (has(21) ? S_IFCHR : S_IFBLK);
  if (has(25)) return result | S_IFIFO;
  if (has(24)) return result | S_IFSOCK;
  return result | S_IFREG;
}
