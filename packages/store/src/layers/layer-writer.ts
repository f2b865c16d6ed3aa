import { join } from 'node:path';
import { invalidArgument } from '@wharf/base/error';
import type { ByteString, TarEntry } from '@wharf/oci/layer/tar-header';
import type { TarHandler } from '@wharf/oci/layer/tar-reader';
import { isAufsMetadata, parseWhiteout } from '@wharf/oci/layer/whiteout';
import { layerPath } from './layer-path.ts';
import { LayerTree } from './layer-tree.ts';
import { RecipeWriter } from './recipe.ts';

const maximumMembers = 2_000_000;

/** Fills a layer's directory with a tar's members, and notes how to make the same tar again. */
export class LayerWriter implements TarHandler {
  readonly #tree: LayerTree;
  readonly #recipe: RecipeWriter;
  #size = 0;
  #path: ByteString | undefined;

  /** `directory` exists and is empty: it gets `diff/` and `recipe`. */
  constructor(directory: string) {
    this.#tree = new LayerTree(directory);
    this.#recipe = new RecipeWriter(join(directory, 'recipe'));
  }

  entry(entry: TarEntry): void {
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

  data(bytes: Buffer, offset: number): void {
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

  endEntry(): void {
    if (this.#path !== undefined) this.#tree.endFile();
    this.#path = undefined;
  }

  raw(bytes: Buffer): void {
    this.#recipe.raw(bytes);
  }

  /** All members are there. Answers the bytes of their files. */
  finish(): number {
    this.#tree.finish();
    this.#recipe.close();
    return this.#size;
  }

  /** Lets go of descriptors; what is on disk is the caller's to remove. */
  abort(): void {
    this.#tree.close();
    this.#recipe.abort();
  }
}
