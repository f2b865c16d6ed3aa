import { closeSync, openSync } from 'node:fs';
import { release } from 'node:os';
import { check } from './errno.ts';
import { mount } from './mount.ts';
import { cString, syscall } from './syscall.ts';

export interface OverlayRequest {
  /** Top to bottom. */
  readonly lowerDirs: readonly string[];
  /** Without one nothing can be written, and there must be two lower ones. */
  readonly upperDir?: string;
  readonly workDir?: string;
  readonly target: string;
  /** Skip all syncing: for trees that need not survive a power cut. */
  readonly volatile?: boolean;
}

const FSCONFIG_SET_FLAG = 0;
const FSCONFIG_SET_STRING = 1;
const FSCONFIG_CMD_CREATE = 6;
const FSOPEN_CLOEXEC = 1;
const FSMOUNT_CLOEXEC = 1;
const MOVE_MOUNT_F_EMPTY_PATH = 4;
const AT_FDCWD = -100;
const EINVAL = 22;
const ENOSYS = 38;
const O_PATH = 0o10000000;

/** Linux 6.5; older ones write a line to the kernel's log each time that they are asked. */
const knowsLowerDirParts = isAtLeast(release(), 6, 5);

function isAtLeast(version: string, major: number, minor: number): boolean {
  const [foundMajor = 0, foundMinor = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  return foundMajor > major || (foundMajor === major && foundMinor >= minor);
}

/** Without these a layer's directories could hold redirects that only this mount understands. */
const plainOptions = { index: 'off', redirect_dir: 'off', metacopy: 'off' } as const;

/**
 * Mounts an overlay of any number of layers: one `lowerdir+` a layer where the kernel knows it (6.5), otherwise
 * mount(2), whose options must fit a page, with descriptors for names. Throws SystemError.
 */
export function mountOverlay(request: OverlayRequest): void {
  if (!knowsLowerDirParts || !mountByParts(request)) mountByOptions(request);
}

/** False where the kernel does not know `lowerdir+`: an older one takes it, and calls it invalid at the end. */
function mountByParts(request: OverlayRequest): boolean {
  const context = syscall('fsopen', cString('overlay'), FSOPEN_CLOEXEC);
  if (context === -ENOSYS) return false;
  check(context, 'mount overlay');
  try {
    if (!configureLowerDirs(context, request.lowerDirs)) return false;
    if (request.upperDir !== undefined) set(context, 'upperdir', request.upperDir);
    if (request.workDir !== undefined) set(context, 'workdir', request.workDir);
    for (const [name, value] of Object.entries(plainOptions)) set(context, name, value);
    if (request.volatile) configure(context, FSCONFIG_SET_FLAG, 'volatile', null);
    const created = syscall('fsconfig', context, FSCONFIG_CMD_CREATE, null, null, 0);
    if (created === -EINVAL) return false;
    check(created, `mount overlay on ${request.target}`);
    moveMount(context, request.target);
    return true;
  } finally {
    closeSync(context);
  }
}

function moveMount(context: number, target: string): void {
  const tree = check(syscall('fsmount', context, FSMOUNT_CLOEXEC, 0), `mount overlay on ${target}`);
  try {
    const empty = cString('');
    const moved = syscall('move_mount', tree, empty, AT_FDCWD, cString(target), MOVE_MOUNT_F_EMPTY_PATH);
    check(moved, `mount overlay on ${target}`);
  } finally {
    closeSync(tree);
  }
}

function configureLowerDirs(context: number, lowerDirs: readonly string[]): boolean {
  for (const [index, directory] of lowerDirs.entries()) {
    const result = syscall('fsconfig', context, FSCONFIG_SET_STRING, cString('lowerdir+'), cString(directory), 0);
    if (result === -EINVAL && index === 0) return false;
    check(result, `mount overlay: lower directory ${directory}`);
  }
  return true;
}

function set(context: number, name: string, value: string): void {
  configure(context, FSCONFIG_SET_STRING, name, value);
}

function configure(context: number, command: number, name: string, value: string | null): void {
  const result = syscall('fsconfig', context, command, cString(name), value === null ? null : cString(value), 0);
  check(result, `mount overlay: option ${name}`);
}

function mountByOptions({ lowerDirs, upperDir, workDir, target, volatile }: OverlayRequest): void {
  const descriptors: number[] = [];
  try {
    for (const directory of lowerDirs) descriptors.push(openSync(directory, O_PATH));
    const options = [
      `lowerdir=${descriptors.map((fd) => `/proc/self/fd/${fd}`).join(':')}`,
      ...(upperDir === undefined ? [] : [`upperdir=${upperDir}`]),
      ...(workDir === undefined ? [] : [`workdir=${workDir}`]),
      ...Object.entries(plainOptions).map(([name, value]) => `${name}=${value}`),
      ...(volatile ? ['volatile'] : []),
    ];
    mount({ source: 'overlay', target, type: 'overlay', data: options.join(',') });
  } finally {
    for (const fd of descriptors) closeSync(fd);
  }
}
