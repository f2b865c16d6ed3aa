import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Digest } from '@wharf/oci/digest';
import type { ImageParts } from '@wharf/store/images/image-parts';

/** A layer's blob in a file of its own, gone when it is disposed of. */
export interface PackedLayer extends Disposable {
  readonly path: string;
  readonly digest: Digest;
  readonly size: number;
}

/** Packs a layer that is kept as its files, and remembers what it became: the next push need not pack it again. */
export async function packLayer(
  { layers, content, compressedLayers }: ImageParts,
  { diffId, signal, onTaken }: { diffId: Digest; signal: AbortSignal; onTaken: (size: number) => void },
): Promise<PackedLayer> {
  const path = content.newIngest();
  const hash = createHash('sha256');
  let size = 0;
  try {
    await using file = await open(path, 'wx', 0o600);
    for await (const chunk of layers.openGzip(diffId)) {
      signal.throwIfAborted();
      hash.update(chunk);
      await file.write(chunk);
      size += chunk.length;
      onTaken(size);
    }
  } catch (error) {
    content.abort(path);
    throw error;
  }
  const digest = `sha256:${hash.digest('hex')}`;
  compressedLayers.put(diffId, { digest, size, compression: 'gzip' });
  return { path, digest, size, [Symbol.dispose]: () => rmSync(path, { force: true }) };
}
