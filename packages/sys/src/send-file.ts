import { check } from './errno.ts';
import { syscall } from './syscall.ts';

const EINTR = 4;
const POLLOUT = 4;

/**
 * sendfile(2): bytes of a file to a socket, by reference where the kernel can. The bytes sent, 0 where the file ends,
 * or -errno (`wouldBlock`; -EINVAL for a file system that cannot).
 */
export function sendFile(socket: number, file: number, offset: number, length: number): number {
  const position = new BigUint64Array([BigInt(offset)]);
  for (;;) {
    const result = syscall('sendfile', socket, file, position, length);
    if (result !== -EINTR) return result;
  }
}

/** Stands still until a socket takes bytes, or its peer is gone. False when that takes longer. */
export function waitWritable(socket: number, milliseconds: number): boolean {
  // struct pollfd: int fd; short events, revents
  const poll = new Int32Array([socket, POLLOUT]);
  const timeout = new BigUint64Array([
    BigInt(Math.floor(milliseconds / 1000)),
    BigInt((milliseconds % 1000) * 1_000_000),
  ]);
  const result = syscall('ppoll', poll, 1, timeout, null, 0);
  return result !== -EINTR && check(result, 'wait for a socket') > 0;
}
