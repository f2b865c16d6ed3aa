import { closeSync, fstatSync } from 'node:fs';
import { check } from './errno.ts';
import { type OpenFile, openFlags, openInRoot } from './safe-path.ts';
import { cString, syscall } from './syscall.ts';

const TIOCSWINSZ = 0x5414;
const TIOCSPTLCK = 0x40045431;
const TIOCGPTPEER = 0x5441;
const AT_FDCWD = -100;
const O_RDWR = 2;
const O_NOCTTY = 0o400;
const DEVPTS_SUPER_MAGIC = 0x1cd1;
/** makedev(5, 2): Documentation/admin-guide/devices.txt */
const ptmxDevice = 0x502;

/** Tells a terminal its size; its foreground processes get SIGWINCH. */
export function setWindowSize(fd: number, { rows, columns }: { rows: number; columns: number }): void {
  const size = Uint16Array.of(rows, columns, 0, 0);
  check(syscall('ioctl', fd, TIOCSWINSZ, new Uint8Array(size.buffer)), 'set the window size');
}

export interface Terminal {
  readonly master: number;
  /** What the process on the terminal has as its stdio. */
  readonly slave: number;
}

/**
 * A new pty of the devpts in a container's root; both descriptors are close-on-exec, the master non-blocking. What
 * is not the multiplexer itself is never opened: a container that may mount could have put any device or pipe there.
 */
export function openTerminalInRoot(root: OpenFile): Terminal {
  using found = openInRoot(root, 'dev/pts/ptmx', openFlags.O_PATH | openFlags.O_NOFOLLOW);
  if (!isMultiplexer(found.fd)) throw new Error('the container has no /dev/pts/ptmx of its own');
  const flags = O_RDWR | O_NOCTTY | openFlags.O_NONBLOCK | openFlags.O_CLOEXEC;
  const path = cString(`/proc/self/fd/${found.fd}`);
  const master = check(syscall('openat', AT_FDCWD, path, flags), 'open a pty');
  try {
    check(syscall('ioctl', master, TIOCSPTLCK, new Uint8Array(4)), 'unlock a pty');
    // By the master, not by a path: CVE-2025-52565 and its like replace what the path leads to.
    const slave = syscall('ioctl', master, TIOCGPTPEER, O_RDWR | O_NOCTTY | openFlags.O_CLOEXEC);
    return { master, slave: check(slave, 'open the slave of a pty') };
  } catch (error) {
    closeSync(master);
    throw error;
  }
}

function isMultiplexer(fd: number): boolean {
  const status = new BigUint64Array(16);
  check(syscall('fstatfs', fd, status), 'look at a file system');
  const stat = fstatSync(fd);
  return Number(status[0]) === DEVPTS_SUPER_MAGIC && stat.isCharacterDevice() && stat.rdev === ptmxDevice;
}
