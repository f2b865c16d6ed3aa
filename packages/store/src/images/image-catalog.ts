import type { Logger } from '@wharf/base/logger';
import type { Descriptor } from '@wharf/oci/descriptor';
import type { Digest } from '@wharf/oci/digest';
import { type Manifest, parseImageConfig, parseIndex, parseManifest } from '@wharf/oci/manifest';
import { isImageConfigType, isIndexType } from '@wharf/oci/media-type';
import { hostPlatform, matchesPlatform, type Platform } from '@wharf/oci/platform';
import { familiarName, formatFamiliar, parseReference, type Reference } from '@wharf/oci/reference';
import type { ContentStore } from '../content/content-store.ts';
import type { LayerStore } from '../layers/layer-store.ts';
import type { Collection } from '../metadata/database.ts';
import type { StoredImage, StoredTag } from './image-parts.ts';
import type { ImageRecord } from './image-store.ts';

/** One platform's image inside a target, complete in this store. */
export interface PlatformImage {
  readonly descriptor: Descriptor;
  readonly manifest: Manifest;
  readonly config: ImageRecord['config'];
  readonly diffIds: readonly Digest[];
  /** Bytes of manifest, config and kept layer blobs. */
  readonly contentSize: number;
  /** Bytes of the unpacked files. */
  readonly unpackedSize: number;
}

export interface CatalogParts {
  readonly logger: Logger;
  readonly content: ContentStore;
  readonly layers: LayerStore;
  readonly images: Collection<StoredImage>;
  readonly tags: Collection<StoredTag>;
}

/** A repository may know an image by other digests than its own: of what was packed for it, or only a platform. */
function digestsIn(references: readonly Reference[], name: string, id: Digest): string[] {
  const own = references.filter((reference) => familiarName(reference) === name && reference.digest !== undefined);
  const digests = own.map(({ digest }) => digest);
  return (digests.length > 0 ? [...new Set(digests)].sort() : [id]).map((digest) => `${name}@${digest}`);
}

/** Images as people see them, held in memory: made from content once, forgotten when names or content change. */
export class ImageCatalog {
  readonly #parts: CatalogParts;
  readonly #platforms = new Map<Digest, readonly PlatformImage[]>();
  #records: ReadonlyMap<Digest, ImageRecord> | undefined;

  constructor(parts: CatalogParts) {
    this.#parts = parts;
  }

  /** By id, in the order they came. Broken images (content lost) are not among them. */
  records(): ReadonlyMap<Digest, ImageRecord> {
    this.#records ??= this.#build();
    return this.#records;
  }

  /** Names or images have changed; `id` is the image whose content has. */
  changed(id?: Digest): void {
    this.#records = undefined;
    if (id !== undefined) this.#platforms.delete(id);
    for (const known of this.#platforms.keys()) if (!this.#parts.images.has(known)) this.#platforms.delete(known);
  }

  /** Every platform that is complete here, best for this machine first. */
  platforms(image: StoredImage): readonly PlatformImage[] {
    let platforms = this.#platforms.get(image.id);
    if (!platforms) {
      const host = hostPlatform();
      const found = this.#collectWhole(image);
      const suits = ({ config }: PlatformImage) => Number(matchesPlatform(host, config));
      platforms = found.sort((a, b) => suits(b) - suits(a));
      this.#platforms.set(image.id, platforms);
    }
    return platforms;
  }

  /** The image for one platform; undefined where it has none. */
  forPlatform(id: Digest, platform: Platform): ImageRecord | undefined {
    const image = this.#parts.images.get(id);
    const chosen = image && this.platforms(image).find(({ config }) => matchesPlatform(platform, config));
    return chosen && this.#describe(image, chosen, this.#tagsOf().get(id) ?? []);
  }

  #build(): ReadonlyMap<Digest, ImageRecord> {
    const tags = this.#tagsOf();
    const records = new Map<Digest, ImageRecord>();
    for (const image of this.#parts.images.values()) {
      const best = this.platforms(image)[0];
      if (best) records.set(image.id, this.#describe(image, best, tags.get(image.id) ?? []));
    }
    return records;
  }

  #tagsOf(): Map<Digest, string[]> {
    const tags = new Map<Digest, string[]>();
    for (const { reference, imageId } of this.#parts.tags.values()) {
      const list = tags.get(imageId);
      if (list) list.push(reference);
      else tags.set(imageId, [reference]);
    }
    return tags;
  }

  #describe(image: StoredImage, chosen: PlatformImage, tags: readonly string[]): ImageRecord {
    const references = tags.map(parseReference);
    const repoTags = references.filter(({ digest }) => digest === undefined).map(formatFamiliar);
    const names = new Set(references.map(familiarName));
    return {
      id: image.id,
      target: image.target,
      manifest: chosen.descriptor,
      config: chosen.config,
      configDigest: chosen.manifest.config.digest,
      diffIds: chosen.diffIds,
      layerSizes: chosen.diffIds.map((diffId) => this.#parts.layers.get(diffId)?.size ?? 0),
      repoTags: repoTags.sort(),
      repoDigests: [...names].sort().flatMap((name) => digestsIn(references, name, image.id)),
      size: this.platforms(image).reduce((sum, { contentSize, unpackedSize }) => sum + contentSize + unpackedSize, 0),
      lastTagTime: image.lastTagTime,
    };
  }

  /** One damaged image must not hide all others. */
  #collectWhole(image: StoredImage): PlatformImage[] {
    try {
      return [...this.#collect(image.target)];
    } catch (error) {
      this.#parts.logger.warn('image content is damaged', { image: image.id, error });
      return [];
    }
  }

  *#collect(descriptor: Descriptor, depth = 0): Generator<PlatformImage> {
    const { content } = this.#parts;
    if (depth > 8 || !content.has(descriptor.digest)) return;
    if (isIndexType(descriptor.mediaType)) {
      for (const child of parseIndex(content.read(descriptor.digest)).manifests) yield* this.#collect(child, depth + 1);
      return;
    }
    const image = this.#platformImage(descriptor);
    if (image) yield image;
  }

  #platformImage(descriptor: Descriptor): PlatformImage | undefined {
    const { content, layers } = this.#parts;
    const manifest = parseManifest(content.read(descriptor.digest));
    if (!isImageConfigType(manifest.config.mediaType) || !content.has(manifest.config.digest)) return undefined;
    // BuildKit's attestations pose as images of platform unknown/unknown.
    if (descriptor.platform?.os === 'unknown') return undefined;
    const config = parseImageConfig(content.read(manifest.config.digest));
    const diffIds = config.rootfs.diff_ids;
    if (!diffIds.every((diffId) => layers.has(diffId))) return undefined;
    const blobs = [descriptor, manifest.config, ...manifest.layers];
    return {
      descriptor,
      manifest,
      config,
      diffIds,
      contentSize: blobs.reduce((sum, { digest }) => sum + (content.sizeOf(digest) ?? 0), 0),
      unpackedSize: diffIds.reduce((sum, diffId) => sum + (layers.get(diffId)?.size ?? 0), 0),
    };
  }
}
