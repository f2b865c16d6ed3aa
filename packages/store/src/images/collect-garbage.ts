import type { Descriptor } from '@wharf/oci/descriptor';
import type { Digest } from '@wharf/oci/digest';
import { parseImageConfig, parseIndex, parseManifest } from '@wharf/oci/manifest';
import { isIndexType, isManifestType } from '@wharf/oci/media-type';
import type { ImageParts } from './image-parts.ts';

const unfinishedLifetime = 24 * 3600 * 1000;

interface Reachable {
  readonly blobs: Set<Digest>;
  readonly diffIds: Set<Digest>;
}

/**
 * Removes content and layers that no image, no container, no lease and no unfinished pull refers to. Answers the
 * bytes freed. May run at any time.
 */
export function collectGarbage(parts: ImageParts): number {
  const reachable: Reachable = { blobs: new Set(), diffIds: new Set() };
  for (const { target } of parts.images.values()) {
    try {
      mark(parts, target, reachable);
    } catch {
      // Damaged content: what cannot be read cannot be used, and loading the image again brings all of it.
    }
  }
  // A container keeps its layers, also when its image was removed by force.
  for (const { diffIds } of parts.database.collection<{ diffIds: readonly Digest[] }>('snapshots').values()) {
    for (const diffId of diffIds) reachable.diffIds.add(diffId);
  }
  // What builds made is kept for the next one, until it is pruned.
  for (const { layer } of parts.database.collection<{ layer: Digest }>('build-steps').values())
    reachable.diffIds.add(layer);
  const held = [...parts.leases.held(), ...unfinished(parts)];
  for (const digest of held) {
    reachable.blobs.add(digest);
    reachable.diffIds.add(digest);
  }
  let freed = 0;
  for (const digest of parts.content.digests()) {
    if (!reachable.blobs.has(digest)) freed += parts.content.remove(digest);
  }
  for (const { diffId } of [...parts.layers.layers()]) {
    if (!reachable.diffIds.has(diffId)) freed += parts.layers.remove(diffId);
  }
  forget(parts, reachable);
  return freed;
}

/** What a pull that was broken off had finished, for a day: the next one goes on from there. */
function unfinished({ pulls }: ImageParts): Digest[] {
  const oldest = Date.now() - unfinishedLifetime;
  for (const [id, { since }] of [...pulls.entries()]) if (since < oldest) pulls.delete(id);
  return [...pulls.values()].flatMap(({ digests }) => digests);
}

/** What is known of blobs and layers goes with them. */
function forget({ blobSources, compressedLayers }: ImageParts, { blobs, diffIds }: Reachable): void {
  for (const [digest] of [...blobSources.entries()]) {
    if (!blobs.has(digest) && !diffIds.has(digest)) blobSources.delete(digest);
  }
  for (const [diffId] of [...compressedLayers.entries()]) if (!diffIds.has(diffId)) compressedLayers.delete(diffId);
}

function mark(parts: ImageParts, descriptor: Descriptor, reachable: Reachable): void {
  const { content } = parts;
  if (reachable.blobs.has(descriptor.digest)) return;
  reachable.blobs.add(descriptor.digest);
  if (!content.has(descriptor.digest)) return;
  if (isIndexType(descriptor.mediaType)) {
    for (const child of parseIndex(content.read(descriptor.digest)).manifests) mark(parts, child, reachable);
  } else if (isManifestType(descriptor.mediaType)) {
    const { config, layers } = parseManifest(content.read(descriptor.digest));
    for (const { digest } of [config, ...layers]) reachable.blobs.add(digest);
    if (!content.has(config.digest)) return;
    for (const diffId of diffIdsOf(content.read(config.digest))) reachable.diffIds.add(diffId);
  }
}

/** An artifact's config is no image's: it has no layers to keep. */
function diffIdsOf(config: Buffer): readonly Digest[] {
  try {
    return parseImageConfig(config).rootfs.diff_ids;
  } catch {
    return [];
  }
}
