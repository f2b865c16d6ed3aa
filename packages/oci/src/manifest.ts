import { invalidArgument } from '@wharf/base/error';
import type { Descriptor } from './descriptor.ts';
import { isDigest } from './digest.ts';
import type { ImageConfig } from './image-config.ts';

/** One platform's image. image-spec/manifest.md */
export interface Manifest {
  readonly schemaVersion: 2;
  readonly mediaType?: string;
  readonly artifactType?: string;
  readonly config: Descriptor;
  /** Bottom to top. */
  readonly layers: readonly Descriptor[];
  readonly annotations?: Readonly<Record<string, string>>;
}

/** One image for several platforms. image-spec/image-index.md */
export interface ImageIndex {
  readonly schemaVersion: 2;
  readonly mediaType?: string;
  readonly manifests: readonly Descriptor[];
  readonly annotations?: Readonly<Record<string, string>>;
}

const maximumReferences = 4096;

/** Throws invalid_argument for anything that is not a manifest. */
export function parseManifest(bytes: Uint8Array): Manifest {
  const value = parseObject(bytes, 'manifest');
  if (value.schemaVersion !== 2 || !isDescriptor(value.config) || !isDescriptors(value.layers)) {
    throw invalidArgument('invalid manifest');
  }
  return value as unknown as Manifest;
}

export function parseIndex(bytes: Uint8Array): ImageIndex {
  const value = parseObject(bytes, 'index');
  if (value.schemaVersion !== 2 || !isDescriptors(value.manifests)) throw invalidArgument('invalid index');
  return value as unknown as ImageIndex;
}

/** Throws invalid_argument where what runs a container would be missing or of another kind. */
export function parseImageConfig(bytes: Uint8Array): ImageConfig {
  const value = parseObject(bytes, 'image config');
  const rootfs = value.rootfs as { type?: unknown; diff_ids?: unknown } | undefined;
  const diffIds = rootfs?.diff_ids ?? [];
  if (!Array.isArray(diffIds) || diffIds.length > maximumReferences || !diffIds.every(isDigestText)) {
    throw invalidArgument('invalid image config: rootfs');
  }
  for (const key of ['os', 'architecture']) {
    if (value[key] !== undefined && typeof value[key] !== 'string')
      throw invalidArgument(`invalid image config: ${key}`);
  }
  checkDefaults(value.config);
  if (value.history !== undefined && value.history !== null && !Array.isArray(value.history)) {
    throw invalidArgument('invalid image config: history');
  }
  return {
    ...value,
    os: value.os || 'linux',
    architecture: value.architecture ?? '',
    rootfs: { type: 'layers', diff_ids: diffIds },
  } as unknown as ImageConfig;
}

function checkDefaults(config: unknown): void {
  if (config === undefined || config === null) return;
  if (typeof config !== 'object' || Array.isArray(config)) throw invalidArgument('invalid image config: config');
  const fields = config as Record<string, unknown>;
  for (const key of ['Env', 'Cmd', 'Entrypoint', 'OnBuild', 'Shell']) {
    const list = fields[key] ?? [];
    if (!Array.isArray(list) || !list.every((item) => typeof item === 'string')) {
      throw invalidArgument(`invalid image config: ${key}`);
    }
  }
  for (const key of ['User', 'WorkingDir', 'StopSignal', 'Hostname', 'Domainname']) {
    const text = fields[key] ?? '';
    if (typeof text !== 'string') throw invalidArgument(`invalid image config: ${key}`);
  }
  for (const key of ['ExposedPorts', 'Volumes', 'Labels', 'Healthcheck']) {
    const map = fields[key] ?? {};
    if (typeof map !== 'object' || Array.isArray(map)) throw invalidArgument(`invalid image config: ${key}`);
  }
}

function parseObject(bytes: Uint8Array, what: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (cause) {
    throw invalidArgument(`invalid ${what}: it is not JSON`, { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalidArgument(`invalid ${what}`);
  return value as Record<string, unknown>;
}

function isDescriptors(value: unknown): boolean {
  return Array.isArray(value) && value.length <= maximumReferences && value.every(isDescriptor);
}

function isDescriptor(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { mediaType, digest, size } = value as Record<string, unknown>;
  return typeof mediaType === 'string' && isDigestText(digest) && Number.isSafeInteger(size) && (size as number) >= 0;
}

function isDigestText(value: unknown): boolean {
  return typeof value === 'string' && isDigest(value);
}
