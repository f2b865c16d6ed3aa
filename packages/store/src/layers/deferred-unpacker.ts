import { createHash } from 'node:crypto';
import type { Digest } from '@wharf/oci/digest';
import type { KnownLayers } from './layer-job.ts';
import { LayerUnpacker, type UnpackedLayer } from './layer-unpacker.ts';

/** A tar up to this size is hashed before it is unpacked: most layers of a new build are ones that are here. */
const bufferLimit = 32 << 20;

type Mode =
  | { readonly kind: 'buffering'; readonly chunks: Buffer[] }
  /** The archive says which layer it is, and that one is here: its bytes are checked, not unpacked. */
  | { readonly kind: 'verifying'; readonly expected: Digest }
  | { readonly kind: 'unpacking'; readonly unpacker: LayerUnpacker };

/** Unpacks a layer unless it turns out to be known. */
export class DeferredUnpacker {
  readonly #directory: string;
  readonly #known: ReadonlySet<Digest>;
  readonly #hash = createHash('sha256');
  #tarSize = 0;
  #mode: Mode;

  constructor(directory: string, known: KnownLayers | undefined) {
    this.#directory = directory;
    this.#known = new Set(known?.diffIds);
    const expected = known?.expected;
    if (known === undefined) this.#mode = { kind: 'unpacking', unpacker: new LayerUnpacker(directory) };
    else if (expected !== undefined && this.#known.has(expected)) this.#mode = { kind: 'verifying', expected };
    else this.#mode = { kind: 'buffering', chunks: [] };
  }

  /** For a chunk whose memory is used again. */
  feedReused(chunk: Buffer): void {
    this.feed(this.#mode.kind === 'buffering' ? Buffer.from(chunk) : chunk);
  }

  /** The chunk may be kept. */
  feed(chunk: Buffer): void {
    if (this.#mode.kind === 'unpacking') {
      this.#mode.unpacker.feed(chunk);
      return;
    }
    this.#tarSize += chunk.length;
    this.#hash.update(chunk);
    if (this.#mode.kind === 'verifying') return;
    this.#mode.chunks.push(chunk);
    if (this.#tarSize > bufferLimit) this.#unpack(this.#mode.chunks);
  }

  /** `known` layers have left the directory empty. */
  end(): UnpackedLayer & { readonly known: boolean } {
    if (this.#mode.kind === 'unpacking') return { ...this.#mode.unpacker.end(), known: false };
    // A copy: the unpacker goes on with this one.
    const diffId = `sha256:${this.#hash.copy().digest('hex')}`;
    // Whether it is the expected one is for the caller to see.
    if (this.#mode.kind === 'buffering' && !this.#known.has(diffId)) {
      return { ...this.#unpack(this.#mode.chunks).end(), known: false };
    }
    return { diffId, tarSize: this.#tarSize, size: 0, known: true };
  }

  /** Lets go of descriptors; what is on disk is the caller's to remove. */
  abort(): void {
    if (this.#mode.kind === 'unpacking') this.#mode.unpacker.abort();
  }

  #unpack(chunks: Buffer[]): LayerUnpacker {
    const unpacker = new LayerUnpacker(this.#directory, this.#hash);
    this.#mode = { kind: 'unpacking', unpacker };
    for (const chunk of chunks.splice(0)) unpacker.replay(chunk);
    return unpacker;
  }
}
