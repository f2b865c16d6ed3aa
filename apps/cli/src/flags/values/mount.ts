import type { BindOptions, Mount, MountType, TmpfsOptions, VolumeOptions } from '@wharf/api/container';
import { parseSize } from '@wharf/base/size';
import { parseBool } from '../flag.ts';
import { splitCsv } from '../key-values.ts';
import { cut } from '../parse.ts';
import { UsageError } from '../usage-error.ts';

/** A mount as it is sent: only what was given. */
export interface MountRequest {
  Type: string;
  Source?: string;
  Target?: string;
  ReadOnly?: boolean;
  Consistency?: string;
  BindOptions?: Partial<BindOptions>;
  VolumeOptions?: Partial<VolumeOptions>;
  ImageOptions?: Partial<NonNullable<Mount['ImageOptions']>>;
  TmpfsOptions?: Partial<TmpfsOptions>;
}

/** `--mount type=bind,src=/a,dst=/b,readonly`. A relative source is made absolute against `directory`. */
export function parseMount(text: string, directory: string): MountRequest {
  const mount: MountRequest = { Type: 'volume' };
  for (const field of splitCsv(text)) setField(mount, field, directory);
  if (mount.Type === '') throw new UsageError('type is required');
  if (!mount.Target) throw new UsageError('target is required');
  checkKind(mount, 'volume', mount.VolumeOptions);
  checkKind(mount, 'bind', mount.BindOptions);
  checkKind(mount, 'image', mount.ImageOptions);
  checkKind(mount, 'tmpfs', mount.TmpfsOptions);
  const bind = mount.BindOptions;
  if (bind?.ReadOnlyNonRecursive && !mount.ReadOnly) {
    throw new UsageError("option 'bind-recursive=writable' requires 'readonly' to be specified in conjunction");
  }
  if (bind?.ReadOnlyForceRecursive) {
    if (!mount.ReadOnly) {
      throw new UsageError("option 'bind-recursive=readonly' requires 'readonly' to be specified in conjunction");
    }
    if (bind.Propagation !== 'rprivate') {
      throw new UsageError(
        "option 'bind-recursive=readonly' requires 'bind-propagation=rprivate' to be specified in conjunction",
      );
    }
  }
  return mount;
}

function setField(mount: MountRequest, field: string, directory: string): void {
  const [name, given] = cut(field, '=');
  const key = name.toLowerCase();
  if (
    given === undefined &&
    !['readonly', 'ro', 'volume-nocopy', 'bind-nonrecursive', 'bind-create-src'].includes(key)
  ) {
    throw new UsageError(`invalid field '${field}' must be a key=value pair`);
  }
  const value = given ?? 'true';
  switch (key) {
    case 'type':
      mount.Type = value.toLowerCase();
      return;
    case 'source':
    case 'src':
      mount.Source = value === '.' || value.startsWith('./') ? absolute(value, directory) : value;
      return;
    case 'target':
    case 'dst':
    case 'destination':
      mount.Target = value;
      return;
    case 'readonly':
    case 'ro':
      mount.ReadOnly = boolOf(key, value);
      return;
    case 'consistency':
      mount.Consistency = value.toLowerCase();
      return;
    case 'bind-propagation':
      mount.BindOptions = { ...mount.BindOptions, Propagation: value.toLowerCase() };
      return;
    case 'bind-nonrecursive':
      mount.BindOptions = { ...mount.BindOptions, NonRecursive: boolOf(key, value) };
      return;
    case 'bind-create-src':
      mount.BindOptions = { ...mount.BindOptions, CreateMountpoint: boolOf(key, value) };
      return;
    case 'bind-recursive':
      mount.BindOptions = { ...mount.BindOptions, ...recursion(value) };
      return;
    case 'volume-subpath':
      mount.VolumeOptions = { ...mount.VolumeOptions, Subpath: value };
      return;
    case 'volume-nocopy':
      mount.VolumeOptions = { ...mount.VolumeOptions, NoCopy: boolOf(key, value) };
      return;
    case 'volume-label':
      mount.VolumeOptions = { ...mount.VolumeOptions, Labels: { ...mount.VolumeOptions?.Labels, ...pair(value) } };
      return;
    case 'volume-driver':
      mount.VolumeOptions = { ...mount.VolumeOptions, DriverConfig: driver(mount, { Name: value }) };
      return;
    case 'volume-opt': {
      const Options = { ...mount.VolumeOptions?.DriverConfig?.Options, ...pair(value) };
      mount.VolumeOptions = { ...mount.VolumeOptions, DriverConfig: driver(mount, { Options }) };
      return;
    }
    case 'image-subpath':
      mount.ImageOptions = { Subpath: value };
      return;
    case 'tmpfs-size':
      mount.TmpfsOptions = { ...mount.TmpfsOptions, SizeBytes: sizeOf(key, value) };
      return;
    case 'tmpfs-mode':
      if (!/^[0-7]{1,11}$/.test(value)) throw new UsageError(`invalid value for ${key}: ${value}`);
      mount.TmpfsOptions = { ...mount.TmpfsOptions, Mode: Number.parseInt(value, 8) };
      return;
    default:
      throw new UsageError(`unexpected key '${name}' in '${field}'`);
  }
}

function recursion(value: string): Partial<BindOptions> {
  switch (value) {
    case 'enabled':
      return {};
    case 'disabled':
      return { NonRecursive: true };
    case 'writable':
      return { ReadOnlyNonRecursive: true };
    case 'readonly':
      return { ReadOnlyForceRecursive: true };
    default:
      throw new UsageError(
        `invalid value for bind-recursive: ${value} (must be "enabled", "disabled", "writable", or "readonly")`,
      );
  }
}

function driver(mount: MountRequest, changed: Partial<NonNullable<VolumeOptions['DriverConfig']>>) {
  return { Name: '', Options: {}, ...mount.VolumeOptions?.DriverConfig, ...changed };
}

function pair(text: string): Record<string, string> {
  const [key, value = ''] = cut(text, '=');
  return key === '' ? {} : { [key]: value };
}

function boolOf(key: string, value: string): boolean {
  try {
    return parseBool(value);
  } catch {
    throw new UsageError(`invalid value for ${key}: ${value}`);
  }
}

function sizeOf(key: string, value: string): number {
  try {
    return parseSize(value);
  } catch {
    throw new UsageError(`invalid value for ${key}: ${value}`);
  }
}

function checkKind(mount: MountRequest, kind: MountType, options: object | undefined): void {
  if (options !== undefined && mount.Type !== kind) {
    throw new UsageError(`cannot mix '${kind}-*' options with mount type '${mount.Type}'`);
  }
}

/** A path made absolute against a directory, with `.` and `..` resolved. */
export function absolute(path: string, directory: string): string {
  const parts: string[] = [];
  for (const part of (path.startsWith('/') ? path : `${directory}/${path}`).split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}
