import { existsSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { keysDirectory } from '@wharf/build/ops/step-keys';
import { unmountAll } from '@wharf/sys/mount';

/** Removes what the builds of a daemon were working on that ended at once. */
export function removeWork(directory: string): void {
  const names = existsSync(directory) ? readdirSync(directory) : [];
  if (names.length > 0) killWithin(directory);
  for (const name of names) unmountAll(join(directory, name, keysDirectory));
  rmSync(directory, { recursive: true, force: true });
}

/** git outlives a daemon that is killed, and may wait for its server for hours. */
function killWithin(directory: string): void {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      if (readlinkSync(`/proc/${pid}/cwd`).startsWith(`${directory}/`)) process.kill(Number(pid), 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
  }
}
