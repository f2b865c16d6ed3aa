import { EngineError, notFound } from '@wharf/base/error';
import type { Descriptor } from '@wharf/oci/descriptor';
import type { Digest } from '@wharf/oci/digest';
import { digestOf } from '@wharf/oci/digest-of';
import { type Manifest, parseImageConfig, parseIndex, parseManifest } from '@wharf/oci/manifest';
import { isImageConfigType, isIndexType } from '@wharf/oci/media-type';
import { formatPlatform, matchesPlatform, type Platform } from '@wharf/oci/platform';
import type { ImageParts, StoredImage } from '@wharf/store/images/image-parts';

/** A blob of a manifest, and how it is to be had. */
export interface PushedBlob {
  /** As the manifest here has it. */
  readonly descriptor: Descriptor;
  /** The layer that it is, if it is one that is unpacked here. */
  readonly diffId: Digest | undefined;
  /** It is kept as its files only, and goes out packed. */
  readonly pack: boolean;
}

/** A manifest or an index, what it needs before it, and what it becomes when blobs were packed. */
export interface PushedManifest {
  readonly descriptor: Descriptor;
  readonly bytes: Buffer;
  readonly children: readonly PushedManifest[];
  readonly blobs: readonly PushedBlob[];
}

/** The one platform that an index was pushed as, since the others are not here. */
export interface SinglePlatform {
  readonly originalIndex: Descriptor;
  readonly selectedManifest: Descriptor;
}

export interface PushPlan {
  readonly root: PushedManifest;
  readonly instead: SinglePlatform | undefined;
}

/** What has to be in a registry for an image. Throws not_found where parts of it are not here. */
export function planPush(parts: ImageParts, image: StoredImage, platform: Platform | undefined): PushPlan {
  const { target } = image;
  if (!isIndexType(target.mediaType) && !platform) return { root: planManifest(parts, target), instead: undefined };
  const whole = parts.catalog.platforms(image);
  if (platform) {
    const chosen = whole.find(({ config }) => matchesPlatform(platform, config));
    if (!chosen) {
      throw notFound(
        `image was found but its platform does not match the specified platform (${formatPlatform(platform)})`,
      );
    }
    return { root: planManifest(parts, chosen.descriptor), instead: undefined };
  }
  try {
    return { root: planManifest(parts, target), instead: undefined };
  } catch (error) {
    if (!(error instanceof MissingContent)) throw error;
    const [only, ...others] = whole;
    if (!only || others.length > 0) throw error;
    const instead = { originalIndex: target, selectedManifest: only.descriptor };
    return { root: planManifest(parts, only.descriptor), instead };
  }
}

export class MissingContent extends EngineError {
  constructor(digest: Digest) {
    super(
      'not_found',
      `missing content: content digest ${digest}: not found\n` +
        "Note: You're trying to push a manifest list/index which references multiple platform specific manifests, but not all of them are available locally or available to the remote repository.\n" +
        'Make sure you have all the referenced content and try again.\n\n' +
        'You can also push only a single platform specific manifest directly by specifying the platform you want to push with the --platform flag.',
    );
  }
}

function planManifest(parts: ImageParts, descriptor: Descriptor, depth = 0): PushedManifest {
  const { content } = parts;
  if (depth > 4 || !content.has(descriptor.digest)) throw new MissingContent(descriptor.digest);
  const bytes = content.read(descriptor.digest);
  if (isIndexType(descriptor.mediaType)) {
    const { manifests } = parseIndex(bytes);
    // BuildKit's caches have indexes of blobs.
    const [blobs, others] = [manifests.filter(isBlob), manifests.filter((child) => !isBlob(child))];
    const children = others.map((child) => planManifest(parts, child, depth + 1));
    return { descriptor, bytes, children, blobs: blobs.flatMap((blob) => layerBlob(parts, blob, undefined)) };
  }
  const manifest = parseManifest(bytes);
  if (!content.has(manifest.config.digest)) throw new MissingContent(manifest.config.digest);
  const config = { descriptor: manifest.config, diffId: undefined, pack: false };
  return { descriptor, bytes, children: [], blobs: [config, ...layerBlobs(parts, manifest)] };
}

const foreign = /\.(foreign|nondistributable)\./;

function layerBlobs(parts: ImageParts, manifest: Manifest): PushedBlob[] {
  const diffIds = diffIdsOf(parts, manifest);
  return manifest.layers.flatMap((descriptor, index) => layerBlob(parts, descriptor, diffIds[index]));
}

function layerBlob(
  { content, layers, blobSources }: ImageParts,
  descriptor: Descriptor,
  diffId: Digest | undefined,
): PushedBlob[] {
  const { digest, mediaType } = descriptor;
  // Their owner lets nobody else give them away.
  if (foreign.test(mediaType)) return [];
  const isPlain = layers.has(digest) && (diffId === undefined || digest === diffId);
  if (!isPlain && !content.has(digest)) throw new MissingContent(digest);
  // What came plain from a registry stays what it was: its image keeps its digest.
  const wasPlain = isPlain && (blobSources.get(digest)?.repositories.length ?? 0) > 0;
  return [{ descriptor, diffId: isPlain ? digest : diffId, pack: isPlain && diffId !== undefined && !wasPlain }];
}

const blobType = /^application\/vnd\.(buildkit\.cacheconfig\.|oci\.image\.layer\.|docker\.image\.rootfs\.)/;

function isBlob({ mediaType }: Descriptor): boolean {
  return blobType.test(mediaType);
}

function diffIdsOf({ content }: ImageParts, { config }: Manifest): readonly Digest[] {
  if (!isImageConfigType(config.mediaType)) return [];
  return parseImageConfig(content.read(config.digest)).rootfs.diff_ids;
}

/** The same manifest or index with other descriptors in the places of these. */
export function rewrite(
  { descriptor, bytes }: Pick<PushedManifest, 'descriptor' | 'bytes'>,
  replaced: ReadonlyMap<string, Descriptor>,
): { descriptor: Descriptor; bytes: Buffer } {
  if (replaced.size === 0) return { descriptor, bytes };
  const value = JSON.parse(bytes.toString('utf8')) as { layers?: Descriptor[]; manifests?: Descriptor[] };
  const other = (old: Descriptor) => ({ ...old, ...replaced.get(old.digest) });
  if (value.layers) value.layers = value.layers.map(other);
  if (value.manifests) value.manifests = value.manifests.map(other);
  const changed = Buffer.from(JSON.stringify(value));
  const digest = digestOf(changed);
  return { descriptor: { ...descriptor, digest, size: changed.length }, bytes: changed };
}

/** A plain layer's media type once it is packed. */
export function packedType(mediaType: string): string {
  return mediaType.startsWith('application/vnd.docker.') ? `${mediaType}.gzip` : `${mediaType}+gzip`;
}
