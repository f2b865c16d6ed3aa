import { EngineError, invalidArgument } from '@wharf/base/error';
import type { Descriptor } from '@wharf/oci/descriptor';
import { type Digest, isDigest } from '@wharf/oci/digest';
import { parseImageConfig, parseIndex, parseManifest } from '@wharf/oci/manifest';
import { isImageConfigType, isIndexType } from '@wharf/oci/media-type';
import { CacheConfig, type CacheLayer, cacheConfigType, parseTime } from './cache-config.ts';

/** The field of an image's config that holds a cache. */
export const inlineCacheField = 'moby.buildkit.cache.v0';

/** Reads small content of where a cache is, checked. */
export interface CacheReader {
  manifest(descriptor: Descriptor): Promise<Uint8Array>;
  blob(descriptor: Descriptor): Promise<Uint8Array>;
}

const mostPlatforms = 32;

/** The caches behind a manifest: one of a cache, or those of the images that it is or lists. Throws invalid_argument. */
export async function readCaches(target: Descriptor, bytes: Uint8Array, reader: CacheReader): Promise<CacheConfig[]> {
  if (!isIndexType(target.mediaType)) return [await readManifest(bytes, reader)].flatMap((found) => found ?? []);
  const { manifests } = parseIndex(bytes);
  const config = manifests.find(({ mediaType }) => mediaType === cacheConfigType);
  if (config) return [await readConfig(config, manifests, reader)];
  const images = manifests.filter(({ platform }) => platform?.os !== 'unknown').slice(0, mostPlatforms);
  const found: CacheConfig[] = [];
  for (const image of images) {
    // An index in an index is none that a build has written.
    if (isIndexType(image.mediaType)) continue;
    const cache = await readManifest(await reader.manifest(image), reader);
    if (cache) found.push(cache);
  }
  return found;
}

async function readManifest(bytes: Uint8Array, reader: CacheReader): Promise<CacheConfig | undefined> {
  const { config, layers } = parseManifest(bytes);
  if (config.mediaType === cacheConfigType) return await readConfig(config, layers, reader);
  if (!isImageConfigType(config.mediaType)) return undefined;
  return inlineCache(await reader.blob(config), layers);
}

async function readConfig(
  descriptor: Descriptor,
  blobs: readonly Descriptor[],
  reader: CacheReader,
): Promise<CacheConfig> {
  const byDigest = new Map(blobs.map((blob) => [blob.digest, blob]));
  return new CacheConfig(parseJson(await reader.blob(descriptor)), (_, { blob, annotations }) => {
    const found = byDigest.get(blob);
    const diffId = annotations?.diffID ?? found?.annotations?.['containerd.io/uncompressed'];
    if (!found || typeof diffId !== 'string' || !isDigest(diffId)) return undefined;
    // The manifest of a registry's cache tells media types as an index's entries have them.
    const mediaType = typeof annotations?.mediaType === 'string' ? annotations.mediaType : found.mediaType;
    const { digest, size } = found;
    return { descriptor: { mediaType, digest, size }, diffId, createdAt: parseTime(annotations?.createdAt) };
  });
}

/** An image's own layers are those of its cache. */
function inlineCache(bytes: Uint8Array, blobs: readonly Descriptor[]): CacheConfig | undefined {
  const config = parseImageConfig(bytes);
  const encoded = (config as unknown as Record<string, unknown>)[inlineCacheField];
  const diffIds: readonly Digest[] = config.rootfs.diff_ids;
  if (typeof encoded !== 'string' || diffIds.length !== blobs.length) return undefined;
  const history = (config.history ?? []).filter((entry) => !entry?.empty_layer);
  const layers = blobs.map((blob, index) => ({
    blob: blob.digest,
    parent: index - 1,
    annotations: { createdAt: history[index]?.created },
  }));
  const layerAt = (place: number): CacheLayer | undefined => {
    const descriptor = blobs[place];
    const diffId = diffIds[place];
    if (!descriptor || diffId === undefined) return undefined;
    return { descriptor, diffId, createdAt: parseTime(history[place]?.created) };
  };
  return new CacheConfig({ layers, records: parseJson(Buffer.from(encoded, 'base64')) }, layerAt);
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (cause) {
    if (cause instanceof EngineError) throw cause;
    throw invalidArgument('invalid cache config: no JSON', { cause });
  }
}
