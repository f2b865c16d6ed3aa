import { statSync } from 'node:fs';
import { posix } from 'node:path';
import type { Mount, TmpfsOptions } from '@wharf/api/container';
import { invalidArgument, notImplemented } from '@wharf/base/error';

const propagations = new Set(['private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave']);

/** `HostConfig.Mounts`. Throws `invalid mount config for type "bind": ...`. */
export function validateMounts(mounts: readonly Mount[] | null): void {
  for (const mount of mounts ?? []) validateMount(mount, { sourceMustExist: true });
}

/** A `-v` makes its source when it is missing; a `--mount` must find it. */
export function validateMount(mount: Mount, { sourceMustExist }: { sourceMustExist: boolean }): void {
  const refuse = (why: string): never => {
    throw invalidArgument(`invalid mount config for type "${mount.Type}": ${why}`);
  };
  if (mount.Target === '') refuse('field Target must not be empty');
  requireTarget(mount.Target, refuse);
  switch (mount.Type) {
    case 'bind':
      validateBind(mount, sourceMustExist, refuse);
      return;
    case 'volume':
      validateVolume(mount, refuse);
      return;
    case 'tmpfs':
      if (mount.BindOptions) refuse('field BindOptions must not be specified');
      if (mount.VolumeOptions) refuse('field VolumeOptions must not be specified');
      if (mount.ImageOptions) refuse('field ImageOptions must not be specified');
      if (mount.Source !== '') refuse('field Source must not be specified');
      formatTmpfsOptions(mount.TmpfsOptions, refuse);
      return;
    case 'image':
      validateImage(mount, refuse);
      return;
    case 'cluster':
      throw notImplemented('mount type "cluster"');
    case 'npipe':
      break;
  }
  refuse('mount type unknown');
}

type Refuse = (why: string) => never;

function requireTarget(target: string, refuse: Refuse): void {
  if (posix.normalize(target).replace(/\/+$/, '') === '') refuse("invalid specification: destination can't be '/'");
  requireAbsolute(target, refuse);
}

function requireAbsolute(path: string, refuse: Refuse): void {
  if (!path.startsWith('/')) refuse(`invalid mount path: '${path}' mount path must be absolute`);
}

function validateBind(mount: Mount, sourceMustExist: boolean, refuse: Refuse): void {
  if (mount.Source === '') refuse('field Source must not be empty');
  const propagation = mount.BindOptions?.Propagation ?? '';
  if (propagation !== '' && !propagations.has(propagation)) refuse(`invalid propagation mode: ${propagation}`);
  if (mount.VolumeOptions) refuse('field VolumeOptions must not be specified');
  if (mount.ImageOptions) refuse('field ImageOptions must not be specified');
  requireAbsolute(mount.Source, refuse);
  if (mount.BindOptions?.ReadOnlyForceRecursive) {
    if (!mount.ReadOnly) refuse('mount options conflict: !ReadOnly && ReadOnlyForceRecursive');
    if (!['', 'rprivate'].includes(propagation)) {
      refuse(`mount options conflict: propagation "${propagation}" && ReadOnlyForceRecursive`);
    }
  }
  if (mount.BindOptions?.ReadOnlyNonRecursive && !mount.ReadOnly) {
    refuse('mount options conflict: !ReadOnly && ReadOnlyNonRecursive');
  }
  if (mount.BindOptions?.ReadOnlyNonRecursive && mount.BindOptions.ReadOnlyForceRecursive) {
    refuse('mount options conflict: ReadOnlyNonRecursive && ReadOnlyForceRecursive');
  }
  if (sourceMustExist && !mount.BindOptions?.CreateMountpoint && !exists(mount.Source)) {
    refuse(`bind source path does not exist: ${mount.Source}`);
  }
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

function validateVolume({ Source, ReadOnly, BindOptions, ImageOptions, VolumeOptions }: Mount, refuse: Refuse): void {
  if (BindOptions) refuse('field BindOptions must not be specified');
  if (ImageOptions) refuse('field ImageOptions must not be specified');
  const isAnonymous = Source === '';
  const subpath = VolumeOptions?.Subpath ?? '';
  if (subpath !== '') {
    if (isAnonymous) refuse('must not set Subpath when using anonymous volumes');
    if (!isLocalPath(subpath)) refuse('subpath must be a relative path within the volume');
  }
  if (ReadOnly && isAnonymous) refuse('must not set ReadOnly mode when using anonymous volumes');
}

function validateImage(
  { Source, BindOptions, VolumeOptions, TmpfsOptions, ImageOptions }: Mount,
  refuse: Refuse,
): void {
  if (Source === '') refuse('field Source must not be empty');
  if (BindOptions) refuse('field BindOptions must not be specified');
  if (VolumeOptions) refuse('field VolumeOptions must not be specified');
  if (TmpfsOptions) refuse('field TmpfsOptions must not be specified');
  const subpath = ImageOptions?.Subpath ?? '';
  if (subpath !== '' && !isLocalPath(subpath)) refuse('subpath must be a relative path within the image');
}

/** Go's filepath.IsLocal: relative, and no `..` leads above its start. */
function isLocalPath(path: string): boolean {
  if (path.startsWith('/')) return false;
  const clean = posix.normalize(path);
  return clean !== '..' && !clean.startsWith('../');
}

/** `--mount type=tmpfs` as mount(8) options: `mode=1770`, `size=64m`, `noexec`. */
export function formatTmpfsOptions(
  options: TmpfsOptions | null,
  refuse: Refuse = (why) => {
    throw invalidArgument(why);
  },
): string[] {
  const formatted: string[] = [];
  if (!options) return formatted;
  if (options.Mode !== 0) formatted.push(`mode=${options.Mode.toString(8)}`);
  if (options.SizeBytes < 0) refuse(`invalid tmpfs size: ${options.SizeBytes}`);
  if (options.SizeBytes !== 0) formatted.push(`size=${formatSize(options.SizeBytes)}`);
  for (const option of options.Options ?? []) {
    if (option.length < 1 || option.length > 2) refuse('invalid option array length');
    if (option[0] !== 'exec' && option[0] !== 'noexec') refuse(`invalid option: ${option[0]}`);
    formatted.push(option.join('='));
  }
  return formatted;
}

function formatSize(bytes: number): string {
  for (const [suffix, unit] of [
    ['g', 2 ** 30],
    ['m', 2 ** 20],
    ['k', 2 ** 10],
  ] as const) {
    if (bytes % unit === 0) return `${bytes / unit}${suffix}`;
  }
  return String(bytes);
}

const tmpfsFlags = new Set(
  (
    'defaults ro rw suid nosuid dev nodev exec noexec sync async dirsync remount mand nomand atime noatime ' +
    'diratime nodiratime bind rbind private rprivate slave rslave shared rshared unbindable runbindable ' +
    'relatime norelatime strictatime nostrictatime'
  ).split(' '),
);
const tmpfsValues = new Set(['size', 'mode', 'uid', 'gid', 'nr_inodes', 'nr_blocks', 'mpol']);

/** `HostConfig.Tmpfs`: destinations, and options that tmpfs knows. */
export function validateTmpfs(tmpfs: Readonly<Record<string, string>>): void {
  for (const [destination, options] of Object.entries(tmpfs)) {
    requireTarget(destination, (why) => {
      throw invalidArgument(why);
    });
    for (const option of options.split(',')) {
      if (option === '' || tmpfsFlags.has(option)) continue;
      const [name = '', ...value] = option.split('=');
      if (value.length > 0 && tmpfsValues.has(name)) continue;
      const shown = value.length > 0 ? `["${name}" "${value.join('=')}"]` : `["${name}"]`;
      throw invalidArgument(`invalid tmpfs option ${shown}`);
    }
  }
}
