import { createHash, type Hash } from 'node:crypto';
import type { Digest } from '@wharf/oci/digest';
import { TarReader } from '@wharf/oci/layer/tar-reader';
import { LayerWriter } from './layer-writer.ts';

export interface UnpackedLayer {
  /** Of the uncompressed tar. */
  readonly diffId: Digest;
  /** Bytes of the uncompressed tar. */
  readonly tarSize: number;
  /** Bytes of its files. */
  readonly size: number;
}

/**
 * Turns a layer's uncompressed tar into a directory for overlayfs, in one pass: hashes, unpacks, and notes how to make
 * the same tar again. Synchronous, so that a worker's loop is all there is between the bytes and the disk.
 */
export class LayerUnpacker {
  readonly #hash: Hash;
  readonly #writer: LayerWriter;
  readonly #reader: TarReader;
  #tarSize = 0;

  /** `directory` exists and is empty: it gets `diff/` and `recipe`. The hash has seen what will be `replay`ed. */
  constructor(directory: string, hash = createHash('sha256')) {
    this.#hash = hash;
    this.#writer = new LayerWriter(directory);
    this.#reader = new TarReader(this.#writer);
  }

  feed(chunk: Buffer): void {
    this.#hash.update(chunk);
    this.replay(chunk);
  }

  /** Takes bytes that are hashed already. */
  replay(chunk: Buffer): void {
    this.#tarSize += chunk.length;
    this.#reader.feed(chunk);
  }

  end(): UnpackedLayer {
    this.#reader.end();
    const size = this.#writer.finish();
    return { diffId: `sha256:${this.#hash.digest('hex')}`, tarSize: this.#tarSize, size };
  }

  /** Lets go of descriptors; what is on disk is the caller's to remove. */
  abort(): void {
    this.#writer.abort();
  }
}
