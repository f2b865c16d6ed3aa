import { closeSync } from 'node:fs';
import { check } from './errno.ts';
import { cString, syscall } from './syscall.ts';

const AT_FDCWD = -100;
const AT_EMPTY_PATH = 0x1000;
const OPEN_TREE_CLONE = 1;
const OPEN_TREE_CLOEXEC = 0o2000000;
const MOVE_MOUNT_F_EMPTY_PATH = 4;
const MOUNT_ATTR_IDMAP = 0x100000;
const MS_PRIVATE = 1 << 18;

/**
 * Mounts a view of the directory `source` in which each file belongs to whom the user namespace makes of its owner:
 * what is root's on disk is that of root inside. Throws SystemError, EINVAL where the file system cannot do it (and
 * before Linux 5.12). mount_setattr(2)
 */
export function mountIdmapped(source: string, target: string, userNamespace: number): void {
  const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
  const tree = check(syscall('open_tree', AT_FDCWD, cString(source), flags), `copy the mount of ${source}`);
  try {
    // struct mount_attr: attributes to set and to clear, propagation, the user namespace
    const attributes = BigUint64Array.of(BigInt(MOUNT_ATTR_IDMAP), 0n, BigInt(MS_PRIVATE), BigInt(userNamespace));
    const empty = cString('');
    const mapped = syscall('mount_setattr', tree, empty, AT_EMPTY_PATH, attributes, attributes.byteLength);
    check(mapped, `map the owners of ${source}`);
    const moved = syscall('move_mount', tree, empty, AT_FDCWD, cString(target), MOVE_MOUNT_F_EMPTY_PATH);
    check(moved, `mount ${source} on ${target}`);
  } finally {
    closeSync(tree);
  }
}
