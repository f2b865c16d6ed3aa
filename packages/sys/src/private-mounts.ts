import { check } from './errno.ts';
import { setPropagation } from './mount.ts';
import { closeNamespace, inMountNamespace, openNamespace } from './namespaces.ts';
import { type OpenFile, openRoot } from './safe-path.ts';
import { cString, syscall } from './syscall.ts';

const CLONE_FS = 0x200;
const CLONE_NEWNS = 0x20000;
const AT_FDCWD = -100;

/**
 * Until disposed, what this thread mounts is seen by this thread alone, and gone even if the process is killed.
 * For worker threads: only synchronous code of the thread is inside.
 */
export function enterPrivateMounts(): Disposable {
  const home = openNamespace('/proc/thread-self/ns/mnt');
  try {
    check(syscall('unshare', CLONE_FS | CLONE_NEWNS), 'unshare the mounts');
  } catch (error) {
    closeNamespace(home);
    throw error;
  }
  // What the host unmounts goes from here too: nothing stays busy because of this thread.
  setPropagation('/', 'rslave');
  return {
    [Symbol.dispose]: () => {
      check(syscall('setns', home, CLONE_NEWNS), 'leave the private mounts');
      closeNamespace(home);
    },
  };
}

/** The root directory of a process's mount namespace, with all that is mounted below it. For worker threads. */
export function openNamespaceRoot(path: string): OpenFile {
  return inside(path, () => openRoot('/'));
}

/** As `openNamespaceRoot`, without anything that is mounted below it: a mount that nobody else sees. */
export function openBareNamespaceRoot(path: string): OpenFile {
  const OPEN_TREE_CLONE = 1;
  const OPEN_TREE_CLOEXEC = 0o2000000;
  const fd = inside(path, () => {
    const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
    return check(syscall('open_tree', AT_FDCWD, cString('/'), flags), 'copy the root mount');
  });
  return { fd, [Symbol.dispose]: () => closeNamespace(fd) };
}

function inside<T>(path: string, body: () => T): T {
  const namespace = openNamespace(path);
  try {
    return inMountNamespace(namespace, body);
  } finally {
    closeNamespace(namespace);
  }
}
