import { invalidArgument } from '@wharf/base/error';
import type { Descriptor } from '@wharf/oci/descriptor';
import type { Digest } from '@wharf/oci/digest';
import { parseImageConfig, parseIndex, parseManifest } from '@wharf/oci/manifest';
import { isImageConfigType, isIndexType, isManifestType } from '@wharf/oci/media-type';
import { matchesPlatform, type Platform } from '@wharf/oci/platform';
import { parseReference, type Reference, withDefaultTag } from '@wharf/oci/reference';
import type { LayerStore } from '../../layers/layer-store.ts';
import type { ArchiveLayer, ArchiveMembers } from './archive-members.ts';
import type { LoadedImage } from './loaded-image.ts';

export interface OciLayoutOptions {
  readonly layers: LayerStore;
  readonly platforms: readonly Platform[];
}

/** An OCI image layout: blobs by digest, and an index that names them. image-spec/image-layout.md */
export function readOciLayout(members: ArchiveMembers, index: Buffer, options: OciLayoutOptions): LoadedImage[] {
  const byDigest = new Map<Digest, { descriptor: Descriptor; names: Reference[] }>();
  for (const descriptor of parseIndex(index).manifests) {
    const known = byDigest.get(descriptor.digest) ?? { descriptor, names: [] };
    const name = nameOf(descriptor);
    if (name) known.names.push(name);
    byDigest.set(descriptor.digest, known);
  }
  return [...byDigest.values()].map(({ descriptor, names }) => {
    const collected: Collected = { blobs: new Map(), layers: [], images: 0 };
    collect(members, descriptor, { ...options, collected, required: true, depth: 0 });
    if (collected.images === 0) throw invalidArgument('invalid archive: it holds no image for the wanted platform');
    const { annotations: _, platform: __, ...target } = descriptor;
    return { target, names, blobs: collected.blobs, layers: collected.layers };
  });
}

interface Collected {
  readonly blobs: Map<Digest, Buffer>;
  readonly layers: ArchiveLayer[];
  images: number;
}

interface CollectOptions extends OciLayoutOptions {
  readonly collected: Collected;
  /** Children of an index may be left out of an archive; what an index.json names may not. */
  readonly required: boolean;
  readonly depth: number;
}

function collect(members: ArchiveMembers, descriptor: Descriptor, options: CollectOptions): void {
  const bytes = members.blob(descriptor.digest);
  if (!bytes) {
    if (options.required) throw invalidArgument(`invalid archive: content digest ${descriptor.digest} not found`);
    return;
  }
  if (bytes.length !== descriptor.size) throw invalidArgument(`invalid archive: size of ${descriptor.digest} is wrong`);
  if (isIndexType(descriptor.mediaType)) {
    if (options.depth >= 8) throw invalidArgument('invalid archive: indexes are nested too deeply');
    options.collected.blobs.set(descriptor.digest, bytes);
    for (const child of parseIndex(bytes).manifests) {
      collect(members, child, { ...options, required: false, depth: options.depth + 1 });
    }
  } else if (isManifestType(descriptor.mediaType)) collectManifest(members, descriptor, bytes, options);
  else throw invalidArgument(`invalid archive: unsupported media type ${JSON.stringify(descriptor.mediaType)}`);
}

function collectManifest(
  members: ArchiveMembers,
  descriptor: Descriptor,
  bytes: Buffer,
  { collected, layers, platforms, required }: CollectOptions,
): void {
  const manifest = parseManifest(bytes);
  const configBytes = members.blob(manifest.config.digest);
  const isImage = isImageConfigType(manifest.config.mediaType) && descriptor.platform?.os !== 'unknown';
  if (!configBytes) {
    if (required) throw invalidArgument(`invalid archive: content digest ${manifest.config.digest} not found`);
    return;
  }
  if (!isImage) {
    keepArtifact(members, descriptor, bytes, collected);
    return;
  }
  const config = parseImageConfig(configBytes);
  if (platforms.length > 0 && !platforms.some((platform) => matchesPlatform(platform, config))) return;
  const diffIds = config.rootfs.diff_ids;
  if (diffIds.length !== manifest.layers.length) {
    throw invalidArgument(
      `mismatched image rootfs and manifest layers: ${diffIds.length} and ${manifest.layers.length}`,
    );
  }
  const found: ArchiveLayer[] = [];
  for (const [index, { digest }] of manifest.layers.entries()) {
    const layer = members.layerBlob(digest);
    const expected = diffIds[index]!;
    if (layer) found.push(layer);
    // A plain layer that an earlier load brought need not be in the archive again.
    else if (!(digest === expected && layers.has(expected))) {
      if (required) throw invalidArgument(`invalid archive: content digest ${digest} not found`);
      return;
    }
    if (layer && layer.diffId !== expected) {
      throw invalidArgument(
        `invalid diffID for layer ${index}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(layer.diffId)}`,
      );
    }
  }
  collected.blobs.set(descriptor.digest, bytes);
  collected.blobs.set(manifest.config.digest, configBytes);
  collected.layers.push(...found);
  collected.images++;
}

/** Attestations and the like: kept whole or not at all. */
function keepArtifact(members: ArchiveMembers, descriptor: Descriptor, bytes: Buffer, { blobs }: Collected): void {
  const manifest = parseManifest(bytes);
  const parts = [manifest.config, ...manifest.layers].map(({ digest }) => [digest, members.blob(digest)] as const);
  if (parts.some(([, part]) => part === undefined)) return;
  blobs.set(descriptor.digest, bytes);
  for (const [digest, part] of parts) blobs.set(digest, part!);
}

/** containerd writes the whole name; the OCI annotation may be a bare tag, which names nothing by itself. */
function nameOf({ annotations }: Descriptor): Reference | undefined {
  const whole = annotations?.['io.containerd.image.name'];
  if (whole) return withDefaultTag(parseReference(whole));
  const name = annotations?.['org.opencontainers.image.ref.name'];
  if (!name || !/[:/]/.test(name)) return undefined;
  return withDefaultTag(parseReference(name));
}
