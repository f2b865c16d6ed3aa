import { askFilter, seccompAllow } from '@wharf/sys/seccomp-filter';
import type { SyscallName } from '@wharf/sys/syscall';
import { forkFlags, joinDescriptors } from './join-program.ts';

const AT_FDCWD = -100;
const PR_CAP_AMBIENT = 47;
const TIOCSCTTY = 0x540e;

/** What a program that joins a container does under the container's filter. */
const calls: readonly (readonly [name: SyscallName, args: readonly number[]])[] = [
  ['capset', []],
  ['prctl', [PR_CAP_AMBIENT]],
  ['clone', [forkFlags]],
  ['setsid', []],
  ['ioctl', [0, TIOCSCTTY]],
  ['chdir', []],
  ['getcwd', []],
  ['faccessat', [AT_FDCWD]],
  ['execve', []],
  ['write', [joinDescriptors.report]],
  ['exit_group', []],
];

/** False for a filter that would not let the program come to its end. */
export function allowsJoining(filter: Buffer): boolean {
  return calls.every(([name, args]) => askFilter(filter, name, args) === seccompAllow);
}
