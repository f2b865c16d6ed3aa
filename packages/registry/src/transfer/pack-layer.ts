import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { Digest } from '@wharf/oci/digest';
import type { ImageParts } from '@wharf/store/images/image-parts';

/** A layer's blob, in memory or in a file of its own that is gone when it is disposed of. */
export interface PackedLayer extends Disposable {
  readonly content: { readonly bytes: Buffer } | { readonly path: string };
  readonly digest: Digest;
  readonly size: number;
}

/** Of one layer; larger ones go by way of a file. */
const mostInMemory = 16 << 20;

/** Packs a layer that is kept as its files, and remembers what it became: the next push need not pack it again. */
export async function packLayer(
  { layers, content, compressedLayers }: ImageParts,
  { diffId, signal, onTaken }: { diffId: Digest; signal: AbortSignal; onTaken: (size: number) => void },
): Promise<PackedLayer> {
  const path = content.newIngest();
  const hash = createHash('sha256');
  let size = 0;
  let kept: Buffer[] = [];
  let file: FileHandle | undefined;
  try {
    for await (const chunk of layers.openGzip(diffId) as AsyncIterable<Buffer>) {
      signal.throwIfAborted();
      hash.update(chunk);
      kept.push(chunk);
      size += chunk.length;
      if (size > mostInMemory) {
        file ??= await open(path, 'wx', 0o600);
        for (const bytes of kept) await file.write(bytes);
        kept = [];
      }
      onTaken(size);
    }
  } catch (error) {
    content.abort(path);
    throw error;
  } finally {
    await file?.close();
  }
  const digest = `sha256:${hash.digest('hex')}`;
  compressedLayers.put(diffId, { digest, size, compression: 'gzip' });
  if (!file) return { content: { bytes: Buffer.concat(kept) }, digest, size, [Symbol.dispose]: () => {} };
  return { content: { path }, digest, size, [Symbol.dispose]: () => rmSync(path, { force: true }) };
}
