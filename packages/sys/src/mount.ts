import { closeSync, fstatSync, mkdirSync, openSync, statSync } from 'node:fs';
import { check } from './errno.ts';
import { type OpenFile, openFlags, openInRoot } from './safe-path.ts';
import { cString, syscall } from './syscall.ts';

/** mount(2) flags; the names are the kernel's. */
export const mountFlags = {
  MS_RDONLY: 1,
  MS_NOSUID: 2,
  MS_NODEV: 4,
  MS_NOEXEC: 8,
  MS_SYNCHRONOUS: 16,
  MS_REMOUNT: 32,
  MS_DIRSYNC: 128,
  MS_NOATIME: 1024,
  MS_NODIRATIME: 2048,
  MS_BIND: 4096,
  MS_MOVE: 8192,
  MS_REC: 16384,
  MS_UNBINDABLE: 1 << 17,
  MS_PRIVATE: 1 << 18,
  MS_SLAVE: 1 << 19,
  MS_SHARED: 1 << 20,
  MS_RELATIME: 1 << 21,
  MS_STRICTATIME: 1 << 24,
} as const;

export interface MountRequest {
  readonly source: string;
  readonly target: string;
  readonly type?: string;
  readonly flags?: number;
  /** Options of the file system, comma-separated; at most a page. */
  readonly data?: string;
}

/** mount(2). Throws SystemError. */
export function mount({ source, target, type, flags = 0, data }: MountRequest): void {
  const result = syscall(
    'mount',
    cString(source),
    cString(target),
    type === undefined ? null : cString(type),
    flags,
    data === undefined ? null : cString(data),
  );
  check(result, `mount ${source} on ${target}`);
}

/** Makes `target` another view of `source`; with `recursive`, of all that is mounted below it too. */
export function bindMount(
  source: string,
  target: string,
  options: { recursive?: boolean; readOnly?: boolean } = {},
): void {
  const flags = mountFlags.MS_BIND | (options.recursive ? mountFlags.MS_REC : 0);
  mount({ source, target, flags });
  // The kernel takes no other flag on the call that binds: read-only is a second one.
  if (options.readOnly) {
    mount({ source: 'none', target, flags: mountFlags.MS_BIND | mountFlags.MS_REMOUNT | mountFlags.MS_RDONLY });
  }
}

const propagationFlags = {
  private: mountFlags.MS_PRIVATE,
  rprivate: mountFlags.MS_PRIVATE | mountFlags.MS_REC,
  shared: mountFlags.MS_SHARED,
  rshared: mountFlags.MS_SHARED | mountFlags.MS_REC,
  slave: mountFlags.MS_SLAVE,
  rslave: mountFlags.MS_SLAVE | mountFlags.MS_REC,
} as const;

export type Propagation = keyof typeof propagationFlags;

export function setPropagation(target: string, propagation: Propagation): void {
  mount({ source: 'none', target, flags: propagationFlags[propagation] });
}

/** Mount options that restrict what is done with the files of the mount that holds `path`. */
export function readRestrictions(path: string): string[] {
  const statfs = new BigUint64Array(15);
  check(syscall('statfs', cString(path), statfs), `stat the file system of ${path}`);
  // struct statfs: f_flags is the eleventh of its words on both our processors. statfs(2)
  const flags = Number(statfs[10]);
  const { MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC } = mountFlags;
  const names = [
    ['ro', MS_RDONLY],
    ['nosuid', MS_NOSUID],
    ['nodev', MS_NODEV],
    ['noexec', MS_NOEXEC],
  ] as const;
  return names.filter(([, bit]) => (flags & bit) !== 0).map(([name]) => name);
}

/**
 * Binds what `path` names inside a root onto `target`, made for it: a directory for a directory, else a file. What
 * was found is what is mounted, whatever a hostile process puts in its place meanwhile.
 */
export function bindInRoot(root: OpenFile, path: string, target: string): void {
  using found = openInRoot(root, path, openFlags.O_PATH);
  if (fstatSync(found.fd).isDirectory()) mkdirSync(target, { recursive: true });
  else closeSync(openSync(target, 'a'));
  bindMount(`/proc/self/fd/${found.fd}`, target, { recursive: true });
}

/** Binds a file or directory without what is mounted below it onto `target`, made for it. */
export function bindAlone(source: string, target: string): void {
  if (statSync(source).isDirectory()) mkdirSync(target, { recursive: true });
  else closeSync(openSync(target, 'a'));
  bindMount(source, target);
}

/** umount2(2). `detach` is lazy: gone from the tree at once, freed when the last user lets go. */
export function unmount(target: string, options: { detach?: boolean } = {}): void {
  const MNT_DETACH = 2;
  const UMOUNT_NOFOLLOW = 8;
  check(syscall('umount2', cString(target), UMOUNT_NOFOLLOW | (options.detach ? MNT_DETACH : 0)), `unmount ${target}`);
}

/** Unmounts everything stacked on `target`; a target that is no mount point is fine. */
export function unmountAll(target: string): void {
  const EINVAL = 22;
  const ENOENT = 2;
  const MNT_DETACH = 2;
  const UMOUNT_NOFOLLOW = 8;
  for (;;) {
    const result = syscall('umount2', cString(target), UMOUNT_NOFOLLOW | MNT_DETACH);
    if (result === -EINVAL || result === -ENOENT) return;
    check(result, `unmount ${target}`);
  }
}
