import { check } from './errno.ts';
import { syscall } from './syscall.ts';

const F_GETFD = 1;
const F_SETFD = 2;
const F_GETFL = 3;
const F_SETFL = 4;
const F_DUPFD_CLOEXEC = 1030;
const F_SETPIPE_SZ = 1031;
const FD_CLOEXEC = 1;
const O_NONBLOCK = 0o4000;
const EINTR = 4;
const EAGAIN = 11;
const MSG_NOSIGNAL = 0x4000;

/** What a read or write on a non-blocking descriptor says when it would have to wait. */
export const wouldBlock = -EAGAIN;

/** read(2): the bytes read, 0 at the end, -errno otherwise (`wouldBlock`, -EIO of a pty that nobody holds). */
export function readDescriptor(fd: number, buffer: Uint8Array): number {
  for (;;) {
    const result = syscall('read', fd, buffer, buffer.length);
    if (result !== -EINTR) return result;
  }
}

/** write(2): the bytes written, or -errno. */
export function writeDescriptor(fd: number, bytes: Uint8Array): number {
  for (;;) {
    const result = syscall('write', fd, bytes, bytes.length);
    if (result !== -EINTR) return result;
  }
}

/** send(2) without SIGPIPE: the bytes sent, or -errno. */
export function sendDescriptor(fd: number, bytes: Uint8Array): number {
  for (;;) {
    const result = syscall('sendto', fd, bytes, bytes.length, MSG_NOSIGNAL);
    if (result !== -EINTR) return result;
  }
}

export function closeDescriptor(fd: number): void {
  syscall('close', fd);
}

/** Another descriptor of the same open file, close-on-exec. */
export function duplicateDescriptor(fd: number): number {
  return check(syscall('fcntl', fd, F_DUPFD_CLOEXEC), 'duplicate a descriptor');
}

/** No more writing on a socket: its peer reads the end. */
export function shutdownWrite(fd: number): void {
  const SHUT_WR = 1;
  syscall('shutdown', fd, SHUT_WR);
}

export function setNonBlocking(fd: number): void {
  const flags = check(syscall('fcntl', fd, F_GETFL), 'read the status flags');
  check(syscall('fcntl', fd, F_SETFL, flags | O_NONBLOCK), 'set O_NONBLOCK');
}

/** Whether the descriptor stays behind when this process executes another program. */
export function setCloseOnExec(fd: number, on: boolean): void {
  const flags = check(syscall('fcntl', fd, F_GETFD), 'read the descriptor flags');
  check(syscall('fcntl', fd, F_SETFD, on ? flags | FD_CLOEXEC : flags & ~FD_CLOEXEC), 'set FD_CLOEXEC');
}

export interface Pipe {
  readonly read: number;
  readonly write: number;
}

/** A pipe, close-on-exec and blocking at both ends. Programs reopen /dev/stdout, which a socketpair refuses. */
export function createPipe(): Pipe {
  const O_CLOEXEC = 0o2000000;
  const ends = new Int32Array(2);
  check(syscall('pipe2', ends, O_CLOEXEC), 'make a pipe');
  return { read: ends[0]!, write: ends[1]! };
}

/** Grows or shrinks what a pipe holds; a refusal by the user's limit is no harm. */
export function setPipeSize(fd: number, bytes: number): void {
  syscall('fcntl', fd, F_SETPIPE_SZ, bytes);
}

const lockKinds = { shared: 1, exclusive: 2 } as const;
type LockKind = keyof typeof lockKinds;

/** Takes a flock(2) and waits for it, this thread standing still: for locks that others hold for moments only. */
export function waitLockFile(fd: number, kind: LockKind): void {
  let result: number;
  do result = syscall('flock', fd, lockKinds[kind]);
  while (result === -EINTR);
  check(result, 'lock a file');
}

/**
 * Takes a flock(2), or turns the one it has into the other kind, if nobody's is in the way. It goes with the last
 * descriptor of this open file.
 */
export function tryLockFile(fd: number, kind: LockKind = 'exclusive'): boolean {
  const LOCK_NB = 4;
  const result = syscall('flock', fd, lockKinds[kind] | LOCK_NB);
  if (result === -EAGAIN) return false;
  check(result, 'lock a file');
  return true;
}
