import { openSync } from 'node:fs';
import { check } from './errno.ts';
import { chmodFile, makeDevice, O_CLOEXEC, O_RDONLY, S_IFCHR, tryMknodAt, tryOpenAt, tryUnlinkAt } from './file.ts';
import { cString, syscall } from './syscall.ts';

const FSOPEN_CLOEXEC = 1;
const FSMOUNT_CLOEXEC = 1;
const FSCONFIG_CMD_CREATE = 6;

/**
 * Null devices to be a container's stdin: each a node of its own, in a file system that is mounted nowhere. A runtime
 * gives stdio to the container's user (crun before 1.9 also /dev/null), and the container's root may change the mode
 * of what it holds: neither must reach the node that the host's own programs use.
 */
export class NullDevices {
  readonly #directory = mountPrivately();
  readonly #name = cString('null');

  /** For reading; close-on-exec. */
  open(): number {
    if (this.#directory === undefined) return openSync('/dev/null', 'r');
    try {
      check(tryMknodAt(this.#directory, this.#name, S_IFCHR | 0o666, makeDevice(1, 3)), 'make a null device');
      const fd = check(tryOpenAt(this.#directory, this.#name, O_RDONLY | O_CLOEXEC), 'open a null device');
      // The umask is applied to a new node.
      chmodFile(fd, 0o666);
      return fd;
    } finally {
      tryUnlinkAt(this.#directory, this.#name);
    }
  }
}

/** Undefined where that is not possible: before Linux 5.2. */
function mountPrivately(): number | undefined {
  const context = syscall('fsopen', cString('tmpfs'), FSOPEN_CLOEXEC);
  if (context < 0) return undefined;
  try {
    if (syscall('fsconfig', context, FSCONFIG_CMD_CREATE, null, null, 0) < 0) return undefined;
    const directory = syscall('fsmount', context, FSMOUNT_CLOEXEC, 0);
    return directory < 0 ? undefined : directory;
  } finally {
    syscall('close', context);
  }
}
