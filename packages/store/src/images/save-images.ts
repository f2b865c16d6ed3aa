import { Readable } from 'node:stream';
import { EngineError } from '@wharf/base/error';
import type { Descriptor } from '@wharf/oci/descriptor';
import { type Digest, digestHex } from '@wharf/oci/digest';
import { formatTarHeader, tarPadding, tarTrailer } from '@wharf/oci/layer/tar-writer';
import { parseIndex, parseManifest } from '@wharf/oci/manifest';
import { isIndexType, mediaTypes } from '@wharf/oci/media-type';
import { matchesPlatform, type Platform } from '@wharf/oci/platform';
import { familiarName, formatCanonical, formatFamiliar, parseReference, type Reference } from '@wharf/oci/reference';
import { findImage, isIdPrefix, noSuchImage } from './find-image.ts';
import type { PlatformImage } from './image-catalog.ts';
import type { ImageParts } from './image-parts.ts';

interface Archived {
  readonly target: Descriptor;
  readonly platforms: readonly PlatformImage[];
  readonly names: readonly Reference[];
  /** Of the target in the archive's index. */
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

interface Selected extends Archived {
  readonly names: Reference[];
}

export interface ArchiveOptions {
  readonly target: Descriptor;
  readonly names: readonly Reference[];
  readonly annotations: Readonly<Record<string, string>> | undefined;
  /** `oci` leaves out what is there for Docker alone. */
  readonly format: 'oci' | 'docker';
  readonly signal: AbortSignal;
}

/**
 * One tar that Docker of any age, containerd and OCI tools can read: an OCI layout, with the `manifest.json` and
 * `repositories` of `docker save`. The same images give the same bytes.
 */
export function saveImages(
  parts: ImageParts,
  names: readonly string[],
  { platforms = [], signal }: { platforms?: readonly Platform[]; signal: AbortSignal },
): Readable {
  const selected = select(parts, names, platforms);
  const blobs = new Map<Digest, number>();
  for (const { target, platforms: images } of selected) {
    addTarget(parts, target, images, blobs);
  }
  return streamOf(write(parts, selected, { blobs, format: 'docker' }), signal);
}

/** One image that need not be recorded here, in such a tar. */
export function archiveImage(
  parts: ImageParts,
  { target, names, annotations, format, signal }: ArchiveOptions,
): Readable {
  const platforms = parts.catalog.platforms({ id: target.digest, target, lastTagTime: '' });
  const blobs = new Map<Digest, number>();
  addTarget(parts, target, platforms, blobs);
  return streamOf(write(parts, [{ target, platforms, names, annotations }], { blobs, format }), signal);
}

function streamOf(pieces: AsyncGenerator<Uint8Array>, signal: AbortSignal): Readable {
  const stream = Readable.from(pieces, { objectMode: false, highWaterMark: 1 << 20 });
  signal.addEventListener('abort', () => stream.destroy(), { once: true });
  return stream;
}

function select(parts: ImageParts, names: readonly string[], wanted: readonly Platform[]): Selected[] {
  const selected = new Map<Digest, Selected>();
  for (const name of names) {
    for (const [id, reference] of matching(parts, name)) {
      const image = parts.images.get(id)!;
      let entry = selected.get(id);
      if (!entry) {
        const all = parts.catalog.platforms(image);
        const platforms =
          wanted.length === 0 ? all : all.filter(({ config }) => wanted.some((one) => matchesPlatform(one, config)));
        if (platforms.length === 0) findImage(parts, name, wanted[0]);
        // One platform of an index is that platform's manifest.
        const target = wanted.length > 0 && platforms.length === 1 ? platforms[0]!.descriptor : image.target;
        entry = { target, platforms, names: [] };
        selected.set(id, entry);
      }
      const canonical = reference && formatCanonical(reference);
      if (reference && !entry.names.some((known) => formatCanonical(known) === canonical)) entry.names.push(reference);
    }
  }
  return [...selected.values()];
}

/** A bare repository means all of its tags; an id means the image without a name. */
function matching(parts: ImageParts, name: string): [Digest, Reference | undefined][] {
  const image = findOrUndefined(parts, name);
  if (image && isIdPrefix(image, name) && !image.repoTags.some((tag) => tag === name || tag === `${name}:latest`)) {
    return [[image.id, undefined]];
  }
  const reference = parseReference(name);
  if (reference.tag === undefined && reference.digest === undefined) {
    const tags = [...parts.tags.values()].filter((tag) => {
      const parsed = parseReference(tag.reference);
      return parsed.domain === reference.domain && parsed.path === reference.path && parsed.digest === undefined;
    });
    if (tags.length > 0) return tags.map((tag) => [tag.imageId, parseReference(tag.reference)]);
  }
  if (!image) throw noSuchImage(name);
  return [[image.id, reference.digest === undefined ? reference : undefined]];
}

function findOrUndefined(parts: ImageParts, name: string) {
  try {
    return findImage(parts, name);
  } catch {
    return undefined;
  }
}

function addTarget(
  parts: ImageParts,
  descriptor: Descriptor,
  images: readonly PlatformImage[],
  blobs: Map<Digest, number>,
): void {
  const size = parts.content.sizeOf(descriptor.digest);
  if (size === undefined) return;
  if (isIndexType(descriptor.mediaType)) {
    blobs.set(descriptor.digest, size);
    for (const child of parseIndex(parts.content.read(descriptor.digest)).manifests)
      addTarget(parts, child, images, blobs);
    return;
  }
  const known = images.find(({ descriptor: { digest } }) => digest === descriptor.digest);
  const isArtifact = descriptor.platform?.os === 'unknown';
  if (!known && !isArtifact) return;
  blobs.set(descriptor.digest, size);
  const { config, layers } = parseManifest(parts.content.read(descriptor.digest));
  for (const { digest } of [config, ...layers]) {
    const stored = parts.content.sizeOf(digest) ?? parts.layers.get(digest)?.tarSize;
    if (stored === undefined) throw new EngineError('data_loss', `content digest ${digest} not found`);
    blobs.set(digest, stored);
  }
}

async function* write(
  parts: ImageParts,
  selected: readonly Archived[],
  { blobs, format }: { blobs: ReadonlyMap<Digest, number>; format: ArchiveOptions['format'] },
): AsyncGenerator<Uint8Array> {
  using lease = parts.leases.open();
  lease.protect(blobs.keys());
  yield directory('blobs/');
  yield directory('blobs/sha256/');
  for (const [digest, size] of [...blobs].sort(([a], [b]) => (a < b ? -1 : 1))) {
    yield formatTarHeader({ type: 'file', name: blobPath(digest), size });
    if (parts.content.has(digest)) yield* parts.content.stream(digest);
    else yield* parts.layers.openTar(digest);
    yield tarPadding(size);
  }
  yield file('index.json', ociIndex(selected));
  if (format === 'docker') yield file('manifest.json', dockerManifest(selected));
  yield file('oci-layout', { imageLayoutVersion: '1.0.0' });
  const repositories = format === 'docker' ? legacyRepositories(selected) : {};
  if (Object.keys(repositories).length > 0) yield file('repositories', repositories);
  yield tarTrailer();
}

function ociIndex(selected: readonly Archived[]) {
  const manifests = selected.flatMap(({ target, names, annotations }) =>
    names.length === 0
      ? [{ ...target, ...(annotations && { annotations }) }]
      : names.map((name) => ({
          ...target,
          annotations: {
            ...annotations,
            'io.containerd.image.name': formatCanonical(name),
            'org.opencontainers.image.ref.name': name.tag ?? '',
          },
        })),
  );
  return { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests };
}

function dockerManifest(selected: readonly Archived[]) {
  return selected.flatMap(({ platforms, names }) => {
    const image = platforms[0];
    if (!image) return [];
    return [
      {
        Config: blobPath(image.manifest.config.digest),
        RepoTags: names.length === 0 ? null : names.map(formatFamiliar),
        Layers: image.manifest.layers.map(({ digest }) => blobPath(digest)),
      },
    ];
  });
}

/** For Docker before 1.10; newer ones prefer manifest.json. */
function legacyRepositories(selected: readonly Archived[]) {
  const repositories: Record<string, Record<string, string>> = {};
  for (const { platforms, names } of selected) {
    const top = platforms[0]?.diffIds.at(-1);
    if (!top) continue;
    for (const name of names) {
      const repository = familiarName(name);
      repositories[repository] = { ...repositories[repository], [name.tag ?? 'latest']: digestHex(top) };
    }
  }
  return repositories;
}

function blobPath(digest: Digest): string {
  return `blobs/sha256/${digestHex(digest)}`;
}

function directory(name: string): Buffer {
  return formatTarHeader({ type: 'directory', name, mode: 0o755 });
}

function file(name: string, value: unknown): Buffer {
  const bytes = Buffer.from(JSON.stringify(value));
  const header = formatTarHeader({ type: 'file', name, size: bytes.length });
  return Buffer.concat([header, bytes, tarPadding(bytes.length)]);
}
