import type { Descriptor } from '@wharf/oci/descriptor';
import type { Digest } from '@wharf/oci/digest';
import { type Manifest, parseImageConfig, parseIndex, parseManifest } from '@wharf/oci/manifest';
import { isImageConfigType, isIndexType } from '@wharf/oci/media-type';
import type { Platform } from '@wharf/oci/platform';
import type { ImageParts, StoredImage } from './image-parts.ts';

/** One manifest that an image is, or that its index names; it need not be here. */
export interface ManifestView {
  readonly descriptor: Descriptor;
  readonly kind: 'image' | 'attestation' | 'unknown';
  /** All of it is here. */
  readonly available: boolean;
  /** Undefined where neither the index nor a config says. */
  readonly platform: Platform | undefined;
  /** Bytes of the blobs that are here. */
  readonly contentSize: number;
  /** Bytes of the unpacked files. */
  readonly unpackedSize: number;
  /** What an attestation is about. */
  readonly attests: Digest | undefined;
}

type Parts = Pick<ImageParts, 'content' | 'layers'>;

/** In the order of the index. */
export function listManifests(parts: Parts, { target }: StoredImage): ManifestView[] {
  return [...leaves(parts.content, target)].map((descriptor) => viewOf(parts, descriptor));
}

function* leaves(content: ImageParts['content'], descriptor: Descriptor, depth = 0): Generator<Descriptor> {
  if (!isIndexType(descriptor.mediaType)) yield descriptor;
  else if (depth < 8 && content.has(descriptor.digest)) {
    for (const child of parseIndex(content.read(descriptor.digest)).manifests) yield* leaves(content, child, depth + 1);
  }
}

function viewOf(parts: Parts, descriptor: Descriptor): ManifestView {
  const { content } = parts;
  const attests = descriptor.annotations?.['vnd.docker.reference.digest'];
  const isAttestation = descriptor.annotations?.['vnd.docker.reference.type'] === 'attestation-manifest';
  const named = descriptor.platform?.os === 'unknown' ? undefined : descriptor.platform;
  const view = { descriptor, attests, platform: named, contentSize: 0, unpackedSize: 0, available: false };
  const kind = isAttestation ? 'attestation' : named ? 'image' : 'unknown';
  if (!content.has(descriptor.digest)) return { ...view, kind };
  const manifest = parseManifest(content.read(descriptor.digest));
  const blobs = [descriptor, manifest.config, ...manifest.layers].map(({ digest }) => digest);
  const contentSize = blobs.reduce((sum, digest) => sum + (content.sizeOf(digest) ?? 0), 0);
  const image = isAttestation ? undefined : unpackedImage(parts, manifest);
  if (!image) {
    const available = blobs.every((digest) => content.has(digest));
    return { ...view, kind: isImageConfigType(manifest.config.mediaType) ? kind : 'unknown', contentSize, available };
  }
  return { ...view, kind: 'image', contentSize, ...image, platform: named ?? image.platform };
}

function unpackedImage(
  { content, layers }: Parts,
  { config }: Manifest,
): { available: boolean; platform: Platform; unpackedSize: number } | undefined {
  if (!isImageConfigType(config.mediaType) || !content.has(config.digest)) return undefined;
  const { os, architecture, variant, rootfs } = parseImageConfig(content.read(config.digest));
  return {
    available: rootfs.diff_ids.every((diffId) => layers.has(diffId)),
    platform: { os, architecture, ...(variant ? { variant } : {}) },
    unpackedSize: rootfs.diff_ids.reduce((sum, diffId) => sum + (layers.get(diffId)?.size ?? 0), 0),
  };
}
