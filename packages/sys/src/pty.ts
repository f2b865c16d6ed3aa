import { check } from './errno.ts';
import { syscall } from './syscall.ts';

const TIOCSWINSZ = 0x5414;

/** Tells a terminal its size; its foreground processes get SIGWINCH. */
export function setWindowSize(fd: number, { rows, columns }: { rows: number; columns: number }): void {
  const size = Uint16Array.of(rows, columns, 0, 0);
  check(syscall('ioctl', fd, TIOCSWINSZ, new Uint8Array(size.buffer)), 'set the window size');
}
