import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { tarTrailer } from '@wharf/oci/layer/tar-writer';
import { diffPieces, reusedRoom } from './layer-diff.ts';
import type { UnpackedLayer } from './layer-unpacker.ts';
import { RecipeWriter } from './recipe.ts';

export interface SealRequest {
  /** In overlayfs' form; nobody writes to it any more. */
  readonly directory: string;
  /** Of the recipe, which must not be there yet. */
  readonly recipe: string;
}

/**
 * Finds out which layer a directory is, without writing its tar anywhere: hashes what the tar would be, and notes how
 * to make it. One pass over the files, which is all that an image costs that was built here.
 */
export function sealLayer({ directory, recipe }: SealRequest): UnpackedLayer {
  const hash = createHash('sha256');
  const writer = new RecipeWriter(recipe);
  let tarSize = 0;
  let size = 0;
  const raw = (bytes: Buffer) => {
    hash.update(bytes);
    tarSize += bytes.length;
    writer.raw(bytes);
  };
  try {
    for (const { bytes, file } of diffPieces(directory, reusedRoom())) {
      if (!file) {
        raw(bytes);
        continue;
      }
      hash.update(bytes);
      tarSize += bytes.length;
      size += bytes.length;
      writer.file(file.path, file.offset, bytes.length);
    }
    raw(tarTrailer());
    writer.close();
  } catch (error) {
    writer.abort();
    rmSync(recipe, { force: true });
    throw error;
  }
  return { diffId: `sha256:${hash.digest('hex')}`, tarSize, size };
}
