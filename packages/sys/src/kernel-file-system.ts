import { check } from './errno.ts';
import { cString, syscall } from './syscall.ts';

/** statfs(2), linux/magic.h: file systems whose files are the kernel's own. */
const types = new Set([
  0x9fa0, 0x62656572, 0x27e0eb, 0x63677270, 0x1cd1, 0x19800202, 0x64626720, 0x74726163, 0x73636673, 0xcafe4a11,
  0x62656570, 0x6165676c, 0x42494e4d, 0xde5e81e4, 0xf97cff8c, 0x65735543, 0x6e736673, 0x7655821,
]);

/**
 * True for a file of proc, sysfs, cgroup and their like: to read or write one is to talk to the kernel with this
 * process's privileges, which no path that others chose may lead to.
 */
export function isKernelFile(fd: number): boolean {
  const statfs = new BigUint64Array(15);
  check(syscall('statfs', cString(`/proc/self/fd/${fd}`), statfs), 'stat a file system');
  return types.has(Number(statfs[0]));
}
