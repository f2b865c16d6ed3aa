import { check } from './errno.ts';
import { syscall } from './syscall.ts';

const EPOLL_CLOEXEC = 0o2000000;
const EPOLL_CTL_ADD = 1;
const EPOLLHUP = 0x10;
const eventBytes = process.arch === 'arm64' ? 16 : 12;

/**
 * True when the peer of a stream socket has closed both directions: nobody would read what is written. A peer that
 * only ended its writing has not hung up.
 */
export function hasHungUp(fd: number): boolean {
  const epoll = check(syscall('epoll_create1', EPOLL_CLOEXEC), 'epoll_create1');
  try {
    // An event mask of 0 still reports EPOLLHUP.
    const event = new Uint8Array(eventBytes);
    check(syscall('epoll_ctl', epoll, EPOLL_CTL_ADD, fd, event), 'epoll_ctl');
    const ready = check(syscall('epoll_pwait', epoll, event, 1, 0, null, 8), 'epoll_pwait');
    return ready > 0 && (event[0]! & EPOLLHUP) !== 0;
  } finally {
    syscall('close', epoll);
  }
}

/**
 * What the peer of a stream socket has not taken yet, in the kernel's own measure: 0 when it has read all. Of a TCP
 * connection, what its kernel has not acknowledged.
 */
export function unreadByPeer(fd: number): number {
  const SIOCOUTQ = 0x5411;
  const queued = new Int32Array(1);
  check(syscall('ioctl', fd, SIOCOUTQ, queued), 'ioctl SIOCOUTQ');
  return queued[0]!;
}
