import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { constants, createGzip, createZstdCompress } from 'node:zlib';
import type { Descriptor } from '@wharf/oci/descriptor';
import type { Digest } from '@wharf/oci/digest';
import { mediaTypes } from '@wharf/oci/media-type';
import type { ImageParts } from '@wharf/store/images/image-parts';
import type { LayerCompression, LayerFormat } from './layer-format.ts';

export interface LayerBlobOptions {
  readonly format: LayerFormat;
  /** Where the format leaves it open. */
  readonly usual: LayerCompression;
  /** How the manifest of a base image names its layers. */
  readonly descriptorOf: (diffId: Digest) => Descriptor | undefined;
  readonly signal: AbortSignal;
}

/** How a manifest names a layer, whose blob is in the store then. A base's layers keep theirs unless it is forced. */
export async function layerBlob(parts: ImageParts, diffId: Digest, options: LayerBlobOptions): Promise<Descriptor> {
  const { content } = parts;
  const { format, usual, descriptorOf, signal } = options;
  const { ociTypes, level } = format;
  const known = descriptorOf(diffId);
  const compression = format.compression ?? usual;
  const isHere = known && (known.digest === diffId || content.has(known.digest));
  if (isHere && !(format.force && compressionOf(known.mediaType) !== compression)) {
    const type = layerType(compressionOf(known.mediaType), ociTypes);
    return { mediaType: type, digest: known.digest, size: known.size };
  }
  const mediaType = layerType(compression, ociTypes);
  if (compression === 'uncompressed')
    return { mediaType, digest: diffId, size: parts.layers.get(diffId)?.tarSize ?? 0 };
  return { mediaType, ...(await packedBlob(parts, diffId, { compression, level, signal })) };
}

interface Packing {
  readonly compression: 'gzip' | 'zstd';
  readonly level: number | undefined;
  readonly signal: AbortSignal;
}

/** Packs a layer into the store, where a lease keeps it until something refers to it. */
async function packedBlob(
  { layers, content, compressedLayers }: ImageParts,
  diffId: Digest,
  { compression, level, signal }: Packing,
): Promise<{ digest: Digest; size: number }> {
  // What a push packs as well: the same bytes, found again.
  const isUsual = compression === 'gzip' && level === undefined;
  const known = isUsual ? compressedLayers.get(diffId) : undefined;
  if (known && content.has(known.digest)) return { digest: known.digest, size: known.size };
  const packed: Readable = isUsual ? layers.openGzip(diffId) : pack(layers.openTar(diffId), compression, level);
  const path = content.newIngest();
  const hash = createHash('sha256');
  let size = 0;
  try {
    await using file = await open(path, 'wx', 0o600);
    for await (const chunk of packed as AsyncIterable<Buffer>) {
      signal.throwIfAborted();
      hash.update(chunk);
      size += chunk.length;
      await file.write(chunk);
    }
    await file.datasync();
  } catch (error) {
    content.abort(path);
    throw error;
  }
  const digest: Digest = `sha256:${hash.digest('hex')}`;
  content.commit(path, digest);
  if (isUsual) compressedLayers.put(diffId, { digest, size, compression: 'gzip' });
  return { digest, size };
}

function pack(tar: Readable, compression: 'gzip' | 'zstd', level: number | undefined): Readable {
  const chunkSize = 1 << 20;
  const compressor =
    compression === 'gzip'
      ? createGzip({ chunkSize, ...(level !== undefined && { level }) })
      : createZstdCompress({
          chunkSize,
          ...(level !== undefined && { params: { [constants.ZSTD_c_compressionLevel]: level } }),
        });
  tar.once('error', (error) => compressor.destroy(error));
  compressor.once('close', () => tar.destroy());
  return tar.pipe(compressor);
}

function compressionOf(mediaType: string): LayerCompression {
  if (/[.+]gzip$/.test(mediaType)) return 'gzip';
  return /[.+]zstd$/.test(mediaType) ? 'zstd' : 'uncompressed';
}

/** Docker's names and OCI's stand for the same bytes. */
function layerType(compression: LayerCompression, ociTypes: boolean): string {
  const plain = ociTypes ? mediaTypes.ociLayer : mediaTypes.dockerLayer;
  if (compression === 'uncompressed') return plain;
  return `${plain}${ociTypes ? '+' : '.'}${compression}`;
}
