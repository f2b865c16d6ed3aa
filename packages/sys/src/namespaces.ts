import { check } from './errno.ts';
import { cString, syscall } from './syscall.ts';

const CLONE_FS = 0x200;
const CLONE_NEWNS = 0x20000;
const CLONE_NEWNET = 0x40000000;
const AT_FDCWD = -100;
const O_CLOEXEC = 0o2000000;

/** Opens a namespace file such as `/proc/<pid>/ns/net`. The caller owns the descriptor. */
export function openNamespace(path: string): number {
  return check(syscall('openat', AT_FDCWD, cString(path), O_CLOEXEC), `open ${path}`);
}

export function closeNamespace(fd: number): void {
  syscall('close', fd);
}

/**
 * Makes a network namespace, runs `body` inside it, and returns to the caller's. The namespace lives as long as
 * the returned descriptor, a process or a mount holds it.
 */
export function createNetworkNamespace<T>(body: () => T): { fd: number; result: T } {
  return away('net', CLONE_NEWNET, () => {
    check(syscall('unshare', CLONE_NEWNET), 'unshare a network namespace');
    const fd = openNamespace('/proc/thread-self/ns/net');
    try {
      return { fd, result: body() };
    } catch (error) {
      closeNamespace(fd);
      throw error;
    }
  });
}

/** Runs `body` inside the network namespace of a descriptor. */
export function inNetworkNamespace<T>(fd: number, body: () => T): T {
  return away('net', CLONE_NEWNET, () => {
    check(syscall('setns', fd, CLONE_NEWNET), 'enter a network namespace');
    return body();
  });
}

/** Runs `body` inside the mount namespace of a descriptor. */
export function inMountNamespace<T>(fd: number, body: () => T): T {
  // Threads share their root and working directory, and setns(2) refuses a mount namespace while they do.
  check(syscall('unshare', CLONE_FS), 'unshare the file system attributes');
  return away('mnt', CLONE_NEWNS, () => {
    check(syscall('setns', fd, CLONE_NEWNS), 'enter a mount namespace');
    return body();
  });
}

/**
 * A namespace belongs to a thread. `body` must be synchronous: an await would let other code of this thread run
 * in the wrong namespace.
 */
function away<T>(kind: 'net' | 'mnt', flag: number, body: () => T): T {
  const home = openNamespace(`/proc/thread-self/ns/${kind}`);
  try {
    return body();
  } finally {
    // Going on in a container's namespace would hand it the host's traffic or files.
    if (syscall('setns', home, flag) < 0) process.abort();
    closeNamespace(home);
  }
}
