import { openMap } from '@wharf/base/template/row';

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

const nilList = Object.defineProperty([], 'toJSON', { value: () => null });

// Their keys are data, and what each holds is empty in one of these ways.
const maps: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ...[
    'Annotations',
    'Attributes',
    'AuxiliaryAddresses',
    'Data',
    'Details',
    'DriverOpts',
    'Labels',
    'Options',
    'Status',
    'StorageOpt',
    'Sysctls',
    'Tmpfs',
  ].map((name) => [name, ''] as const),
  ...['PortBindings', 'Ports'].map((name) => [name, nilList] as const),
  ...['Containers', 'ExposedPorts', 'IndexConfigs', 'Networks', 'Runtimes', 'Volumes'].map(
    (name) => [name, null] as const,
  ),
]);

const nilMap = Object.defineProperty(markMap({}, ''), 'toJSON', { value: () => null });

function markMap(value: object, name: string): object {
  return Object.defineProperty(value, openMap, { value: maps.get(name) ?? (maps.has(name) ? null : '') });
}

function isMap(name: string, parent: string): boolean {
  return maps.has(name) || (name === 'Config' && parent === 'LogConfig');
}

/** Fields that docker's types have though the daemon leaves them out when they are empty. */
export const optionalFields: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ...[...pointers].map((name) => [name, null] as const),
  ...['Annotations', 'ExposedPorts', 'Status', 'StorageOpt', 'Sysctls', 'Tmpfs'].map((name) => [name, nilMap] as const),
  ...['Manifests', 'Mounts', 'Shell', 'MaskedPaths', 'ReadonlyPaths'].map((name) => [name, nilList] as const),
  ...['Driver', 'MacAddress', 'Name', 'Parent', 'StopSignal', 'Variant', 'DockerVersion'].map(
    (name) => [name, ''] as const,
  ),
  ['ArgsEscaped', false],
  ['NetworkDisabled', false],
]);

/** The value as docker's types have it: nulls of their kind, which are null in JSON still, and maps told from structs. */
export function typedValue(value: unknown, name = '', parent = ''): unknown {
  if (value === null) return pointers.has(name) ? null : isMap(name, parent) ? nilMap : nilList;
  if (Array.isArray(value)) return value.map((item) => typedValue(item, '', name));
  if (typeof value !== 'object') return value;
  const typed = Object.fromEntries(Object.entries(value).map(([key, item]) => [key, typedValue(item, key, name)]));
  return isMap(name, parent) ? markMap(typed, name) : typed;
}
