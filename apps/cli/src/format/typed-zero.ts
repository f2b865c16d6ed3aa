/**
 * JSON's null is several things in docker's types: a nil pointer prints <nil>, a nil list [], a nil map map[]. Which
 * one is known by the field's name.
 */
const pointers = new Set([
  'Health',
  'Healthcheck',
  'IPAMConfig',
  'ImageManifestDescriptor',
  'Init',
  'MemorySwappiness',
  'OomKillDisable',
  'PidsLimit',
  'SizeRootFs',
  'SizeRw',
  'StopTimeout',
  'Storage',
  'UsageData',
  'Descriptor',
  'ClusterVolume',
]);

const maps = new Set([
  'Annotations',
  'DriverOpts',
  'ExposedPorts',
  'Labels',
  'LogConfig',
  'Networks',
  'Options',
  'PortBindings',
  'Ports',
  'StorageOpt',
  'Sysctls',
  'Tmpfs',
  'Volumes',
]);

const nilList = Object.defineProperty([], 'toJSON', { value: () => null });
const nilMap = Object.defineProperty({}, 'toJSON', { value: () => null });

/** Fields that docker's types have though the daemon leaves them out when they are empty. */
export const optionalFields: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ...[...pointers].map((name) => [name, null] as const),
  ...['Annotations', 'ExposedPorts', 'StorageOpt', 'Sysctls', 'Tmpfs'].map((name) => [name, nilMap] as const),
  ...['Manifests', 'Mounts', 'Shell', 'MaskedPaths', 'ReadonlyPaths'].map((name) => [name, nilList] as const),
  ...['Driver', 'MacAddress', 'Name', 'Parent', 'StopSignal', 'Variant', 'DockerVersion'].map(
    (name) => [name, ''] as const,
  ),
  ['ArgsEscaped', false],
  ['NetworkDisabled', false],
]);

/** The value with each null but those of pointers made an empty list or map that is null in JSON still. */
export function typedNulls(value: unknown, name = ''): unknown {
  if (value === null) return pointers.has(name) ? null : maps.has(name) ? nilMap : nilList;
  if (Array.isArray(value)) return value.map((item) => typedNulls(item));
  if (typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, typedNulls(item, key)]));
}
