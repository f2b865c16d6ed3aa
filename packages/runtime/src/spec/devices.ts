import { readdirSync, readlinkSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
import type { DeviceMapping } from '@wharf/api/container';
import { EngineError, invalidArgument } from '@wharf/base/error';
import type { OciDevice, OciDeviceRule } from '@wharf/oci/runtime-spec';
import { splitDeviceNumber } from './resources.ts';

/** What every container may use: null, zero, full, tty, urandom, random, pts, ptmx, and mknod of anything. */
const defaultRules: readonly OciDeviceRule[] = [
  { allow: false, access: 'rwm' },
  { allow: true, type: 'c', major: 1, minor: 5, access: 'rwm' },
  { allow: true, type: 'c', major: 1, minor: 3, access: 'rwm' },
  { allow: true, type: 'c', major: 1, minor: 9, access: 'rwm' },
  { allow: true, type: 'c', major: 1, minor: 8, access: 'rwm' },
  { allow: true, type: 'c', major: 5, minor: 0, access: 'rwm' },
  { allow: true, type: 'c', major: 5, minor: 1, access: 'rwm' },
  { allow: false, type: 'c', major: 10, minor: 229, access: 'rwm' },
];

export interface DeviceWishes {
  readonly privileged: boolean;
  readonly devices: readonly DeviceMapping[] | null;
  readonly cgroupRules: readonly string[] | null;
}

export interface ContainerDevices {
  readonly devices: OciDevice[];
  readonly rules: OciDeviceRule[];
}

/** The device nodes to make (the runtime adds its own default set) and the device cgroup's rules. */
export function resolveDevices({ privileged, devices, cgroupRules }: DeviceWishes): ContainerDevices {
  const mappings = devices ?? [];
  if (privileged) {
    const moved = mappings.filter(({ PathOnHost, PathInContainer }) => PathOnHost !== PathInContainer);
    const nodes = [...hostDevices('/dev'), ...moved.flatMap((mapping) => mapDevice(mapping).devices)];
    return { devices: nodes, rules: [{ allow: true, access: 'rwm' }] };
  }
  const mapped = mappings.map(mapDevice);
  return {
    devices: mapped.flatMap((one) => one.devices),
    rules: [
      ...defaultRules,
      ...mapped.flatMap((one) => one.rules),
      ...(cgroupRules ?? []).map((rule) => parseDeviceCgroupRule(rule)),
    ],
  };
}

function mapDevice({ PathOnHost, PathInContainer, CgroupPermissions }: DeviceMapping): ContainerDevices {
  const target = PathInContainer || PathOnHost;
  const access = CgroupPermissions || 'rwm';
  const source = followLink(PathOnHost);
  const stat = statSync(source, { throwIfNoEntry: false });
  if (!stat) throw gatheringError(PathOnHost, 'no such file or directory');
  const nodes = stat.isDirectory() ? directoryDevices(source, target) : [toDevice(stat, target)];
  const devices = nodes.filter((node) => node !== undefined);
  if (devices.length === 0) throw gatheringError(PathOnHost, 'not a device node');
  return { devices, rules: devices.map(({ type, major, minor }) => deviceRule(type, major, minor, access)) };
}

function deviceRule(type: OciDevice['type'], major: number, minor: number, access: string): OciDeviceRule {
  return { allow: true, type: type === 'b' ? 'b' : 'c', major, minor, access };
}

function gatheringError(path: string, why: string): Error {
  return new EngineError('internal', `error gathering device information while adding custom device "${path}": ${why}`);
}

function followLink(path: string): string {
  try {
    const target = readlinkSync(path);
    return target.startsWith('/') ? target : join(path, '..', target);
  } catch {
    return path;
  }
}

function directoryDevices(source: string, target: string): (OciDevice | undefined)[] {
  return readdirSync(source, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isCharacterDevice() || entry.isBlockDevice())
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      const stat = statSync(path, { throwIfNoEntry: false });
      return stat && toDevice(stat, target + path.slice(source.length));
    });
}

function toDevice(stat: Stats, path: string): OciDevice | undefined {
  const type = stat.isBlockDevice() ? 'b' : stat.isCharacterDevice() ? 'c' : undefined;
  if (!type) return undefined;
  const { major, minor } = splitDeviceNumber(stat.rdev);
  return { path, type, major, minor, fileMode: stat.mode & 0o7777, uid: stat.uid, gid: stat.gid };
}

/** Places of /dev that a container gets as mounts of its own, or that would leak another container's terminal. */
const skippedDirectories = new Set(['pts', 'shm', 'fd', 'mqueue', '.lxc', '.lxd-mounts', '.udev']);

/** All device nodes of the host, for a privileged container. */
function hostDevices(directory: string): OciDevice[] {
  const found: OciDevice[] = [];
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) {
      if (!skippedDirectories.has(entry.name)) found.push(...hostDevices(path));
      continue;
    }
    if (entry.name === 'console' || !(entry.isCharacterDevice() || entry.isBlockDevice())) continue;
    const stat = statSync(path, { throwIfNoEntry: false });
    const device = stat && toDevice(stat, path);
    if (device) found.push(device);
  }
  return found;
}

const ruleFormat = /^([acb]) ([0-9]+|\*):([0-9]+|\*) ([rwm]{1,3})$/;

/** `c 13:* rwm`. Throws `invalid device cgroup rule format: 'x'`. */
export function parseDeviceCgroupRule(text: string): OciDeviceRule {
  const match = ruleFormat.exec(text);
  if (!match) throw invalidArgument(`invalid device cgroup rule format: '${text}'`);
  const [, type, major, minor, access = ''] = match;
  return {
    allow: true,
    type: type as 'a' | 'b' | 'c',
    // An absent number is any; crun 1.8 does not take the specification's -1.
    ...(major !== '*' && { major: Number(major) }),
    ...(minor !== '*' && { minor: Number(minor) }),
    access,
  };
}
