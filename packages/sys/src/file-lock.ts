import { check, hasErrno } from './errno.ts';
import { syscall } from './syscall.ts';

const LOCK_EX = 2;
const LOCK_NB = 4;

/** Locks an open file against every other process; the lock ends with the descriptor. False if another has it. */
export function tryLockFile(fd: number): boolean {
  try {
    check(syscall('flock', fd, LOCK_EX | LOCK_NB), 'lock file');
    return true;
  } catch (error) {
    if (hasErrno(error, 'EAGAIN')) return false;
    throw error;
  }
}
