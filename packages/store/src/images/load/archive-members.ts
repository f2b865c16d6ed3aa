import { posix } from 'node:path';
import { invalidArgument } from '@wharf/base/error';
import type { Digest } from '@wharf/oci/digest';
import { digestOf } from '@wharf/oci/digest-of';
import type { Compression } from '@wharf/oci/layer/compression';

/** What came in an image archive: small files in memory, layers unpacked already. */
export interface ArchiveLayer {
  readonly diffId: Digest;
  /** Of the bytes in the archive, compressed or not. */
  readonly blobDigest: Digest;
  readonly blobSize: number;
  readonly compression: Compression;
  /** Where the compressed bytes wait to be committed to the content store. */
  readonly ingest: string | undefined;
}

/** A layer that came uncompressed: its tar is its blob. */
export function plainLayer(diffId: Digest, tarSize: number): ArchiveLayer {
  return { diffId, blobDigest: diffId, blobSize: tarSize, compression: 'none', ingest: undefined };
}

const maximumMembers = 100_000;
const maximumSmallBytes = 256 << 20;

/** The archive by name, with its links followed. Nothing of it touches the file system. */
export class ArchiveMembers {
  readonly #files = new Map<string, Buffer>();
  readonly #layers = new Map<string, ArchiveLayer>();
  readonly #links = new Map<string, string>();
  readonly #byDigest = new Map<Digest, Buffer>();
  readonly #layersByDigest = new Map<Digest, ArchiveLayer>();
  #smallBytes = 0;
  #members = 0;

  addFile(name: string, bytes: Buffer): void {
    this.#count(name.length + bytes.length);
    this.#files.set(name, bytes);
    this.#byDigest.set(digestOf(bytes), bytes);
  }

  addLayer(name: string, layer: ArchiveLayer): void {
    this.#count(name.length);
    this.#layers.set(name, layer);
    this.#layersByDigest.set(layer.blobDigest, layer);
  }

  /** A symbolic link's target is relative to where it lies. */
  addSymlink(name: string, target: string): void {
    this.#count(name.length + target.length);
    this.#links.set(name, posix.join(posix.dirname(name), target));
  }

  addHardLink(name: string, target: string): void {
    this.#count(name.length + target.length);
    this.#links.set(name, target);
  }

  file(name: string): Buffer | undefined {
    return this.#files.get(this.#follow(name));
  }

  layer(name: string): ArchiveLayer | undefined {
    return this.#layers.get(this.#follow(name));
  }

  blob(digest: Digest): Buffer | undefined {
    return this.#byDigest.get(digest);
  }

  layerBlob(digest: Digest): ArchiveLayer | undefined {
    return this.#layersByDigest.get(digest);
  }

  layers(): IterableIterator<ArchiveLayer> {
    return this.#layers.values();
  }

  #follow(name: string): string {
    let current = posix.normalize(name);
    for (let hops = 0; hops < 8; hops++) {
      const next = this.#links.get(current);
      if (next === undefined) return current;
      current = posix.normalize(next);
    }
    throw invalidArgument(`invalid archive: too many links at ${JSON.stringify(name)}`);
  }

  #count(bytes: number): void {
    this.#members++;
    this.#smallBytes += bytes;
    if (this.#members > maximumMembers) throw invalidArgument('invalid archive: too many members');
    if (this.#smallBytes > maximumSmallBytes) throw invalidArgument('invalid archive: too much metadata');
  }
}
