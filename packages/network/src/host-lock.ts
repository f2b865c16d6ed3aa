import { closeSync, openSync } from 'node:fs';
import { tryLockFile } from '@wharf/sys/descriptor';

const path = '/run/wharf-networks.lock';
const patienceMilliseconds = 5000;

/**
 * Runs `body`, which is synchronous and takes a millisecond or two, while no other daemon of this machine is in
 * such a stretch: between seeing that a link's name or a subnet is free and taking it. Who waited for long goes on
 * all the same: a stopped process must not stop others.
 */
export function withHostLock<T>(body: () => T): T {
  const fd = openLock();
  if (fd === undefined) return body();
  try {
    const until = performance.now() + patienceMilliseconds;
    while (!tryLockFile(fd) && performance.now() < until) pause(1);
    return body();
  } finally {
    closeSync(fd);
  }
}

/** Undefined where /run cannot be written: one daemon alone works there too. */
function openLock(): number | undefined {
  try {
    return openSync(path, 'a', 0o600);
  } catch {
    return undefined;
  }
}

function pause(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}
