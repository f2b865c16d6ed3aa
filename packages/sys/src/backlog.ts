import { check } from './errno.ts';
import { syscall } from './syscall.ts';

/** Changes how many connections may wait to be accepted on a listening socket; the kernel's somaxconn bounds it. */
export function setBacklog(fd: number, length: number): void {
  check(syscall('listen', fd, length), 'set the backlog');
}
