import type { DeviceMapping, DeviceRequest, ThrottleDevice, Ulimit, WeightDevice } from '@wharf/api/container';
import { parseSize } from '@wharf/base/size';
import { splitCsv, toMap } from '../key-values.ts';
import { cut } from '../parse.ts';
import { UsageError } from '../usage-error.ts';

/** `--device /dev/x[:/dev/y][:rwm]`; a source ending in `*` is every device that it matches. */
export function parseDevice(text: string, glob: (pattern: string) => string[]): DeviceMapping[] {
  const parts = text.split(':');
  const [source = '', second, third] = parts;
  if (parts.length > 3 || source === '') throw new UsageError(`bad format for path: ${text}`);
  let target = source;
  let permissions = 'rwm';
  if (second !== undefined) {
    if (parts.length === 2 && isDeviceMode(second)) permissions = second;
    else target = second;
  }
  if (third !== undefined) {
    if (!isDeviceMode(third)) throw new UsageError(`bad mode specified: ${third}`);
    permissions = third;
  }
  if (!target.startsWith('/')) throw new UsageError(`${target} is not an absolute path`);
  const map = (host: string, container: string): DeviceMapping => ({
    PathOnHost: host,
    PathInContainer: container,
    CgroupPermissions: permissions,
  });
  if (!source.endsWith('*')) return [map(source, target)];
  if (target !== source) throw new UsageError(`device with * suffix can't have dst: ${text}`);
  return glob(source).map((path) => map(path, path));
}

/** A name such as `vendor.com/class=name` asks for a device of the Container Device Interface. */
export function isCdiDevice(text: string): boolean {
  return /^[a-zA-Z][\w.-]*\/[a-zA-Z][\w-]*=[\w.:-]+$/.test(text);
}

function isDeviceMode(mode: string): boolean {
  return /^[rwm]{1,3}$/.test(mode) && new Set(mode).size === mode.length;
}

export function checkDeviceCgroupRule(rule: string): string {
  if (/^[acb] ([0-9]+|\*):([0-9]+|\*) [rwm]{1,3}$/.test(rule)) return rule;
  throw new UsageError(`invalid device cgroup format '${rule}'`);
}

/** `/dev/sda:1mb` */
export function parseBytesRate(text: string): ThrottleDevice {
  const { Path, value } = pathAndValue(text);
  const invalid = `invalid rate for device: ${text}. The correct format is <device-path>:<number>[<unit>]. Number must be a positive integer. Unit is optional and can be kb, mb, or gb`;
  let Rate: number;
  try {
    Rate = parseSize(value);
  } catch {
    throw new UsageError(invalid);
  }
  return { Path, Rate };
}

/** `/dev/sda:1000` */
export function parseIopsRate(text: string): ThrottleDevice {
  const { Path, value } = pathAndValue(text);
  if (!/^\d+$/.test(value)) {
    throw new UsageError(
      `invalid rate for device: ${text}. The correct format is <device-path>:<number>. Number must be a positive integer`,
    );
  }
  return { Path, Rate: Number(value) };
}

/** `/dev/sda:500` */
export function parseWeight(text: string): WeightDevice {
  const { Path, value } = pathAndValue(text);
  const Weight = Number(value);
  if (!/^\d+$/.test(value)) throw new UsageError(`invalid weight for device: ${text}`);
  if (Weight !== 0 && (Weight < 10 || Weight > 1000)) throw new UsageError(`invalid weight for device: ${text}`);
  return { Path, Weight };
}

function pathAndValue(text: string): { Path: string; value: string } {
  const [Path, value] = cut(text, ':');
  if (value === undefined) throw new UsageError(`bad format: ${text}`);
  if (!Path.startsWith('/dev/')) throw new UsageError(`bad format for device path: ${text}`);
  return { Path, value };
}

const ulimitNames = [
  'as',
  'core',
  'cpu',
  'data',
  'fsize',
  'locks',
  'memlock',
  'msgqueue',
  'nice',
  'nofile',
  'nproc',
  'rss',
  'rtprio',
  'rttime',
  'sigpending',
  'stack',
];

/** `nofile=1024[:2048]`; -1 is unlimited. */
export function parseUlimit(text: string): Ulimit {
  const [Name, limits] = cut(text, '=');
  if (limits === undefined) throw new UsageError(`invalid ulimit argument: ${text}`);
  if (!ulimitNames.includes(Name)) throw new UsageError(`invalid ulimit type: ${Name}`);
  const values = limits.split(':');
  if (values.length > 2)
    throw new UsageError(`too many limit value arguments - ${limits}, can only have up to two, \`soft[:hard]\``);
  const [Soft = 0, Hard = Soft] = values.map((value) => {
    if (!/^-?\d+$/.test(value))
      throw new UsageError(`strconv.ParseInt: parsing ${JSON.stringify(value)}: invalid syntax`);
    return Number(value);
  });
  if (Hard !== -1 && (Soft === -1 || Soft > Hard)) {
    throw new UsageError(`ulimit soft limit must be less than or equal to hard limit: ${Soft} > ${Hard}`);
  }
  return { Name, Soft, Hard };
}

/** `--gpus all`, `2` or `driver=nvidia,count=1,"capabilities=compute,utility",...` */
export function parseGpus(text: string): DeviceRequest {
  const seen = new Set<string>();
  const request: DeviceRequest = { Driver: '', Count: 0, DeviceIDs: null, Capabilities: [['gpu']], Options: {} };
  for (const field of splitCsv(text)) {
    const [key, value] = cut(field, '=');
    if (seen.has(key)) throw new UsageError(`gpu request key '${key}' can be specified only once`);
    seen.add(key);
    if (value === undefined) {
      seen.add('count');
      request.Count = gpuCount(key);
    } else if (key === 'driver') request.Driver = value;
    else if (key === 'count') request.Count = gpuCount(value);
    else if (key === 'device') request.DeviceIDs = value.split(',');
    else if (key === 'capabilities') request.Capabilities = [[...value.split(','), 'gpu']];
    else if (key === 'options') request.Options = toMap(splitCsv(value));
    else throw new UsageError(`unexpected key '${key}' in '${field}'`);
  }
  if (!seen.has('count') && request.DeviceIDs === null) request.Count = 1;
  return request;
}

function gpuCount(text: string): number {
  if (text === 'all') return -1;
  if (!/^[-+]?\d+$/.test(text)) {
    throw new UsageError(`invalid count (${text}): value must be either "all" or an integer: invalid syntax`);
  }
  return Number(text);
}
