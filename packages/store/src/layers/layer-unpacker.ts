import { createHash, type Hash } from 'node:crypto';
import { join } from 'node:path';
import { invalidArgument } from '@wharf/base/error';
import type { Digest } from '@wharf/oci/digest';
import type { ByteString, TarEntry } from '@wharf/oci/layer/tar-header';
import { TarReader } from '@wharf/oci/layer/tar-reader';
import { isAufsMetadata, parseWhiteout } from '@wharf/oci/layer/whiteout';
import { layerPath } from './layer-path.ts';
import { LayerTree } from './layer-tree.ts';
import { RecipeWriter } from './recipe.ts';

const maximumMembers = 2_000_000;

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
  readonly #tree: LayerTree;
  readonly #recipe: RecipeWriter;
  readonly #reader: TarReader;
  #tarSize = 0;
  #size = 0;
  #path: ByteString | undefined;

  /** `directory` exists and is empty: it gets `diff/` and `recipe`. The hash has seen what will be `replay`ed. */
  constructor(directory: string, hash = createHash('sha256')) {
    this.#hash = hash;
    this.#tree = new LayerTree(directory);
    this.#recipe = new RecipeWriter(join(directory, 'recipe'));
    this.#reader = new TarReader({
      entry: (entry) => this.#enter(entry),
      data: (bytes, offset) => this.#data(bytes, offset),
      endEntry: () => {
        if (this.#path !== undefined) this.#tree.endFile();
        this.#path = undefined;
      },
      raw: (bytes) => this.#recipe.raw(bytes),
    });
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
    this.#tree.finish();
    this.#recipe.close();
    return { diffId: `sha256:${this.#hash.digest('hex')}`, tarSize: this.#tarSize, size: this.#size };
  }

  /** Lets go of descriptors; what is on disk is the caller's to remove. */
  abort(): void {
    this.#tree.close();
    this.#recipe.abort();
  }

  #enter(entry: TarEntry): void {
    if (this.#tree.members >= maximumMembers) throw invalidArgument('invalid tar: too many members');
    if (this.#whiteout(entry)) return;
    switch (entry.type) {
      case 'file':
        this.#path = this.#tree.beginFile(entry);
        return;
      case 'directory':
        this.#tree.directory(entry);
        return;
      case 'symlink':
        this.#tree.symlink(entry);
        return;
      case 'link':
        this.#tree.hardLink(entry);
        return;
      case 'character':
      case 'block':
      case 'fifo':
        this.#tree.node(entry);
        return;
    }
  }

  #whiteout(entry: TarEntry): boolean {
    const components = layerPath(entry.name);
    if (isAufsMetadata(components)) return true;
    const whiteout = parseWhiteout(components[components.length - 1] ?? '');
    if (!whiteout) return false;
    const directory = components.slice(0, -1);
    if (whiteout.kind === 'hide') this.#tree.hide(directory, whiteout.name);
    else this.#tree.opaque(directory);
    return true;
  }

  #data(bytes: Buffer, offset: number): void {
    // A whiteout has no content by rights; if it has, the recipe is where it is kept.
    if (this.#path === undefined) {
      this.#recipe.raw(bytes);
      return;
    }
    this.#tree.write(bytes, offset);
    this.#recipe.file(this.#path, offset, bytes.length);
    this.#tree.recipeFiles = this.#recipe.files;
    this.#size += bytes.length;
  }
}
