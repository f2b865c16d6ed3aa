import { closeSync, mkdirSync, openSync } from 'node:fs';
import { release } from 'node:os';
import type { Owner } from '@wharf/base/id-mapping';
import { check, SystemError } from './errno.ts';
import { actOnFilesAs } from './file-owner.ts';
import { mountIdmapped } from './idmapped-mount.ts';
import { mount, unmountAll } from './mount.ts';
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
  /** Left out, files belong to whom they belong on disk. */
  readonly mapped?: MappedLayers;
}

/** Files belong to whom a user namespace makes of their owners on disk. */
export interface MappedLayers {
  /** Its descriptor. */
  readonly userNamespace: number;
  /** Whom its root is on the host. */
  readonly root: Owner;
  /** That hold all of the overlay's own directories; mounted by owner for as long as the overlay is being mounted. */
  readonly directories: readonly string[];
  /** An empty directory of the caller's. */
  readonly scratch: string;
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
  if (request.mapped) mountMapped(request, request.mapped);
  else mountPlain(request);
}

function mountPlain(request: OverlayRequest): void {
  if (!knowsLowerDirParts || !mountByParts(request)) mountByOptions(request);
}

/** The overlay keeps the mapped mounts that it was made of: Linux 5.19. Upper and work directory share one. */
function mountMapped(request: OverlayRequest, { userNamespace, root, directories, scratch }: MappedLayers): void {
  const views = directories.map((directory, index) => ({ directory, view: `${scratch}/${index}` }));
  const seenBy = (path: string) => {
    const found = views.find(({ directory }) => path.startsWith(`${directory}/`));
    if (!found) throw new SystemError(`map the owners of ${path}`, EINVAL);
    return found.view + path.slice(found.directory.length);
  };
  try {
    for (const { directory, view } of views) {
      mkdirSync(view, { recursive: true });
      // Of a process that was killed in here.
      unmountAll(view);
      mountIdmapped(directory, view, userNamespace);
    }
    // What the overlay makes is made as whoever mounted it, and the host's root is nobody there.
    using _ = actOnFilesAs(root);
    const { upperDir, workDir } = request;
    mountPlain({
      ...request,
      lowerDirs: request.lowerDirs.map(seenBy),
      ...(upperDir !== undefined && { upperDir: seenBy(upperDir) }),
      ...(workDir !== undefined && { workDir: seenBy(workDir) }),
    });
  } finally {
    for (const { view } of views) unmountAll(view);
  }
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
