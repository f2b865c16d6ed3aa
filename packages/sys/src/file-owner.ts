import type { Owner } from '@wharf/base/id-mapping';
import { check } from './errno.ts';
import { syscall } from './syscall.ts';

const LINUX_CAPABILITY_VERSION_3 = 0x20080522;

/**
 * Until disposed, what this thread makes belongs to somebody else, while it keeps the right to do anything. For
 * threads that do nothing else meanwhile. setfsuid(2)
 */
export function actOnFilesAs({ uid, gid }: Owner): Disposable {
  const home = { uid: setFileUser(uid), gid: setFileGroup(gid) };
  // Leaving root's user id takes the capabilities over files along.
  raisePermitted();
  return {
    [Symbol.dispose]: () => {
      setFileGroup(home.gid);
      setFileUser(home.uid);
      raisePermitted();
    },
  };
}

/** Answers which it was before. */
function setFileUser(uid: number): number {
  return syscall('setfsuid', uid);
}

function setFileGroup(gid: number): number {
  return syscall('setfsgid', gid);
}

/** capget(2), capset(2): effective, permitted and inheritable sets in two halves. */
function raisePermitted(): void {
  const header = Int32Array.of(LINUX_CAPABILITY_VERSION_3, 0);
  const sets = new Int32Array(6);
  check(syscall('capget', header, sets), 'read the capabilities');
  sets[0] = sets[1]!;
  sets[3] = sets[4]!;
  check(syscall('capset', header, sets), 'set the capabilities');
}
