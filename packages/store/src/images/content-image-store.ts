import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { JsonMessage } from '@wharf/api/streams/json-message';
import { type Logger, silentLogger } from '@wharf/base/logger';
import type { Digest } from '@wharf/oci/digest';
import { helloArchive, helloReference } from '@wharf/oci/hello/archive';
import { isElfArchitecture } from '@wharf/oci/hello/elf';
import { hostPlatform, type Platform } from '@wharf/oci/platform';
import { formatCanonical, parseReference, withDefaultTag } from '@wharf/oci/reference';
import { ContentStore } from '../content/content-store.ts';
import { Leases } from '../content/leases.ts';
import type { CopySource } from '../layers/copy-layer.ts';
import { LayerStore } from '../layers/layer-store.ts';
import { LayerWorkers } from '../layers/layer-workers.ts';
import { Trash } from '../layers/trash.ts';
import type { Database } from '../metadata/database.ts';
import { collectGarbage } from './collect-garbage.ts';
import { type CommitOptions, commitImage } from './commit-image.ts';
import { findImage } from './find-image.ts';
import { ImageCatalog } from './image-catalog.ts';
import type {
  BlobSources,
  CompressedLayer,
  ImageParts,
  StoredImage,
  StoredTag,
  UnfinishedPull,
} from './image-parts.ts';
import type { ImageRecord, ImageStore } from './image-store.ts';
import { importImage } from './import-image.ts';
import { listManifests, type ManifestView } from './list-manifests.ts';
import { loadEmbedded } from './load/load-embedded.ts';
import { type LoadOptions, loadImages } from './load/load-images.ts';
import { removeImage } from './remove-image.ts';
import { removePlatforms } from './remove-platforms.ts';
import { saveImages } from './save-images.ts';
import { recordImage } from './tag-image.ts';

export interface ContentImageStoreOptions {
  readonly database: Database;
  readonly dataRoot: string;
  readonly logger?: Logger;
}

/** More than processors: a client that sends slowly holds one for as long as its layer takes. */
const minimumWorkers = 8;

/** Opens the store of `<data-root>/content` and `<data-root>/layers`, and sweeps what an earlier daemon left half done. */
export function openContentImageStore({
  database,
  dataRoot,
  logger = silentLogger,
}: ContentImageStoreOptions): ContentImageStore {
  const workers = new LayerWorkers(Math.max(minimumWorkers, availableParallelism()));
  const trash = new Trash(join(dataRoot, 'layers', 'trash'), (error) =>
    logger.warn('cannot delete a layer', { error }),
  );
  const leases = new Leases();
  const onVisible = (digest: Digest) => leases.note(digest);
  const content = new ContentStore(join(dataRoot, 'content'), onVisible);
  const layers = new LayerStore({ dataRoot, database, workers, trash, logger, onVisible });
  const images = database.collection<StoredImage>('images');
  const tags = database.collection<StoredTag>('tags');
  const catalog = new ImageCatalog({ content, layers, images, tags, logger });
  const parts: ImageParts = {
    database,
    content,
    layers,
    leases,
    catalog,
    images,
    tags,
    pulls: database.collection<UnfinishedPull>('pulls', { relaxed: true }),
    blobSources: database.collection<BlobSources>('blob-sources', { relaxed: true }),
    compressedLayers: database.collection<CompressedLayer>('compressed-layers', { relaxed: true }),
  };
  collectGarbage(parts);
  return new ContentImageStore(parts, workers, trash, logger);
}

/** Images as containerd's store has them: targets by digest, names apart, content and layers shared by all. */
export class ContentImageStore implements ImageStore {
  readonly #parts: ImageParts;
  readonly #workers: LayerWorkers;
  readonly #trash: Trash;
  readonly #logger: Logger;
  #swept: Promise<void> = Promise.resolve();

  constructor(parts: ImageParts, workers: LayerWorkers, trash: Trash, logger: Logger) {
    this.#parts = parts;
    this.#workers = workers;
    this.#trash = trash;
    this.#logger = logger;
  }

  /** For what brings images here from elsewhere. */
  get parts(): ImageParts {
    return this.#parts;
  }

  resolve(nameOrId: string, platform?: Platform): ImageRecord {
    this.#provideEmbedded(nameOrId);
    return findImage(this.#parts, nameOrId, platform);
  }

  images(): readonly ImageRecord[] {
    return [...this.#parts.catalog.records().values()];
  }

  tag(nameOrId: string, reference: string): void {
    const image = this.resolve(nameOrId);
    recordImage(this.#parts, image.target, [withDefaultTag(parseReference(reference))]);
  }

  async remove(nameOrId: string, options: Parameters<ImageStore['remove']>[1]) {
    const removed = removeImage(this.#parts, nameOrId, options);
    this.#collect();
    return removed;
  }

  manifests(id: string): readonly ManifestView[] {
    const image = this.#parts.images.get(id);
    return image ? listManifests(this.#parts, image) : [];
  }

  async removePlatforms(nameOrId: string, options: Parameters<ImageStore['removePlatforms']>[1]) {
    const removed = removePlatforms(this.#parts, nameOrId, options);
    this.#collect();
    return removed;
  }

  async load(archive: Readable, options: LoadOptions, progress: (message: JsonMessage) => void): Promise<void> {
    await this.#sweeping(loadImages(this.#parts, archive, options, progress));
    // The layers of platforms that were not wanted have been unpacked all the same.
    if (options.platforms && options.platforms.length > 0) this.#collect();
  }

  async save(names: readonly string[], options: Parameters<ImageStore['save']>[1]): Promise<Readable> {
    for (const name of names) this.#provideEmbedded(name);
    return saveImages(this.#parts, names, options);
  }

  import(archive: Readable, options: Parameters<ImageStore['import']>[1]): Promise<string> {
    return this.#sweeping(importImage(this.#parts, archive, options));
  }

  commit(source: CopySource, options: CommitOptions): Promise<string> {
    return commitImage(this.#parts, source, options);
  }

  async collectGarbage(): Promise<number> {
    return collectGarbage(this.#parts);
  }

  /** Stops workers and timers; the database may be closed afterwards. Deleting goes on at the next start. */
  async close(): Promise<void> {
    this.#parts.layers.close();
    await this.#workers.close();
  }

  /** Resolves when what was removed is deleted from the disk. */
  async settled(): Promise<void> {
    await this.#swept;
    await this.#trash.settled();
  }

  /** Layers that were whole before the work failed belong to nothing. */
  async #sweeping<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      // On a full disk even deleting a record fails until what the work had written is gone.
      this.#swept = this.#trash.settled().then(() => this.#collect());
      throw error;
    }
  }

  #collect(): void {
    try {
      collectGarbage(this.#parts);
    } catch (error) {
      this.#logger.warn('cannot collect garbage', { error });
    }
    this.#parts.leases.whenClosed(() => this.#collect());
  }

  /** The product's own image needs no registry: it is made when somebody names it. */
  #provideEmbedded(name: string): void {
    if (!/^(docker\.io\/)?wharf\/hello(:latest)?$/.test(name)) return;
    if (this.#parts.tags.has(formatCanonical(parseReference(helloReference)))) return;
    const { architecture } = hostPlatform();
    if (isElfArchitecture(architecture)) loadEmbedded(this.#parts, helloArchive(architecture));
  }
}
