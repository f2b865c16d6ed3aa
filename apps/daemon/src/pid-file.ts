import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { conflict } from '@wharf/base/error';
import { tryLockFile } from '@wharf/sys/descriptor';

export interface PidFile {
  remove(): void;
}

/**
 * Claims the daemon's roots for this process: no second daemon gets the lock, and a dead one does not keep it,
 * whoever has its number now.
 */
export function claimPidFile(path: string): PidFile {
  mkdirSync(dirname(path), { recursive: true });
  const fd = openSync(path, 'a+', 0o644);
  if (!tryLockFile(fd)) {
    const holder = readFileSync(path, 'utf8').trim();
    closeSync(fd);
    throw conflict(
      `failed to start daemon, ensure wharfd is not running or delete ${path}: process with PID ${holder} is still running`,
    );
  }
  ftruncateSync(fd);
  // With the end of its line: a shell's `read` fails without.
  writeSync(fd, `${process.pid}\n`);
  return {
    remove() {
      rmSync(path, { force: true });
      closeSync(fd);
    },
  };
}
