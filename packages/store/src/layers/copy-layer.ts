import { createHash } from 'node:crypto';
import { tarTrailer } from '@wharf/oci/layer/tar-writer';
import { findPlaceholders } from '../trees/placeholders.ts';
import { diffPieces, reusedRoom } from './layer-diff.ts';
import type { UnpackedLayer } from './layer-unpacker.ts';
import { LayerWriter } from './layer-writer.ts';

export interface CopySource {
  /** In overlayfs' form; somebody may still write to it. */
  readonly from: string;
  /** The overlay's lower directories, top to bottom. */
  readonly lowers: readonly string[];
}

export interface CopyRequest extends CopySource {
  /** Exists and is empty: it gets `diff/` and `recipe`. */
  readonly to: string;
}

/**
 * Copies an overlayfs upper directory as a layer, without what only mounts were to cover. Its tar goes nowhere but through the hash: what is hashed is what
 * is written, also while somebody changes the files.
 */
export function copyLayer({ from, lowers, to }: CopyRequest): UnpackedLayer {
  const hash = createHash('sha256');
  const writer = new LayerWriter(to);
  let tarSize = 0;
  let left = 0;
  const raw = (bytes: Buffer) => {
    hash.update(bytes);
    tarSize += bytes.length;
    writer.raw(bytes);
  };
  try {
    for (const { bytes, entry, file } of diffPieces(from, reusedRoom(), findPlaceholders(from, lowers))) {
      if (!file) {
        raw(bytes);
        if (!entry) continue;
        writer.entry(entry);
        left = entry.type === 'file' ? entry.size : 0;
        if (left === 0) writer.endEntry();
        continue;
      }
      hash.update(bytes);
      tarSize += bytes.length;
      writer.data(bytes, file.offset);
      left -= bytes.length;
      if (left === 0) writer.endEntry();
    }
    raw(tarTrailer());
    const size = writer.finish();
    return { diffId: `sha256:${hash.digest('hex')}`, tarSize, size };
  } catch (error) {
    writer.abort();
    throw error;
  }
}
