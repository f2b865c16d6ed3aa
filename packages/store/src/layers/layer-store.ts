import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { EngineError, invalidArgument } from '@wharf/base/error';
import type { Logger } from '@wharf/base/logger';
import { type Digest, digestHex } from '@wharf/oci/digest';
import { spreadSubdirectories } from '@wharf/sys/file';
import { cString } from '@wharf/sys/syscall';
import type { Collection, Database } from '../metadata/database.ts';
import type { CopySource } from './copy-layer.ts';
import { layerDirectory } from './layer-directory.ts';
import type { AppliedLayer, BlobOption, LayerParts } from './layer-job.ts';
import { LayerUnpacker, type UnpackedLayer } from './layer-unpacker.ts';
import type { LayerWorkers } from './layer-workers.ts';
import type { Trash } from './trash.ts';

export interface LayerRecord {
  readonly diffId: Digest;
  /** Bytes of its uncompressed tar. */
  readonly tarSize: number;
  /** Bytes of its files. */
  readonly size: number;
  /** The boot that wrote it, until it is known to be on disk. */
  readonly unsyncedBoot?: string;
}

export interface LayerStoreOptions {
  readonly dataRoot: string;
  readonly database: Database;
  readonly workers: LayerWorkers;
  readonly trash: Trash;
  readonly logger: Logger;
  /** Told of each layer that is there from now on, and of those that are about to be made use of. */
  readonly onVisible?: (diffId: Digest) => void;
}

/**
 * Unpacked layers, one directory each, named by diffId and shared by all images that have it.
 *
 *   <data-root>/layers/<hex diffId>/           what overlayfs stacks
 *   <data-root>/layers/ingest/                 being unpacked: swept at start
 *   <data-root>/layer-tars/<hex diffId>/       how to make its tar again: recipe, replaced files
 *
 * A layer is there when its record is, which is written last: it is whole or not there.
 */
export class LayerStore {
  readonly #dataRoot: string;
  readonly #records: Collection<LayerRecord>;
  readonly #workers: LayerWorkers;
  readonly #trash: Trash;
  readonly #logger: Logger;
  readonly #boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  readonly #onVisible: (diffId: Digest) => void;
  #syncTimer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor({ dataRoot, database, workers, trash, logger, onVisible = () => {} }: LayerStoreOptions) {
    this.#onVisible = onVisible;
    this.#dataRoot = dataRoot;
    // The image's own record is synced after it, and takes it along.
    this.#records = database.collection<LayerRecord>('layers', { relaxed: true });
    this.#workers = workers;
    this.#trash = trash;
    this.#logger = logger;
    for (const name of ['layers', 'layers/ingest', 'layer-tars']) {
      mkdirSync(join(dataRoot, name), { recursive: true, mode: 0o710 });
    }
    // Next to a layer that was deleted a moment ago, ext4 without a journal looks a millisecond for each free inode.
    spreadSubdirectories(cString(join(dataRoot, 'layers', 'ingest')));
    this.#reconcile();
  }

  get(diffId: Digest): LayerRecord | undefined {
    return this.#records.get(diffId);
  }

  has(diffId: Digest): boolean {
    return this.#records.has(diffId);
  }

  layers(): IterableIterator<LayerRecord> {
    return this.#records.values();
  }

  /** Begins to unpack a layer; it becomes visible at `commit`. `expected` is the digest of the bytes as they come. */
  async ingest(blob: BlobOption, expected?: Digest): Promise<LayerIngest> {
    const directory = this.#newIngest();
    const known = { diffIds: [...this.#records.values()].map(({ diffId }) => diffId), expected };
    // Whichever of them it turns out to be must still be there at the end.
    for (const diffId of known.diffIds) this.#onVisible(diffId);
    const application = await this.#workers.apply({ directory, blob, known }).catch((error) => {
      rmSync(directory, { recursive: true, force: true });
      throw error;
    });
    return {
      write: (bytes) => application.write(bytes),
      commit: async () => {
        try {
          const layer = await application.end();
          if (layer.known && expected !== undefined && layer.blob.digest !== expected) {
            throw invalidArgument(`invalid archive: content digest ${expected} is ${layer.blob.digest}`);
          }
          return { ...layer, record: this.#publish(directory, layer) };
        } catch (error) {
          this.#trash.discard(directory);
          throw error;
        }
      },
      abort: async () => {
        await application.abort();
        this.#trash.discard(directory);
      },
    };
  }

  /**
   * Begins to unpack a layer out of a file that may still grow. Told of the file's bytes that are done with. What came
   * is checked by the caller before it is published. A layer that is here already is compared, not unpacked.
   */
  async ingestFile(path: string, expected: Digest, onTaken: (length: number) => void): Promise<FileIngest> {
    const directory = this.#newIngest();
    const known = this.has(expected) ? { diffIds: [expected], expected } : undefined;
    if (known) this.#onVisible(expected);
    const application = await this.#workers
      .applyFile({ directory, blob: { keep: 'file', path }, ...(known && { known }) }, onTaken)
      .catch((error) => {
        rmSync(directory, { recursive: true, force: true });
        throw error;
      });
    return {
      grown: (length) => application.grown(length),
      applied: application.applied,
      end: () => application.end(),
      publish: (layer) => this.#publish(directory, layer),
      abort: async () => {
        await application.abort();
        this.#trash.discard(directory);
      },
    };
  }

  /** Unpacks a small tar at once, on this thread. */
  applyNow(tar: Buffer): LayerRecord {
    const directory = this.#newIngest();
    const unpacker = new LayerUnpacker(directory);
    try {
      unpacker.feed(tar);
      return this.#publish(directory, unpacker.end());
    } catch (error) {
      unpacker.abort();
      this.#trash.discard(directory);
      throw error;
    }
  }

  /**
   * Makes a layer of a directory in overlayfs' form, which moves here: no byte is copied. Where an equal layer is here
   * already, that one is the answer, and the directory stays the caller's.
   */
  async adopt(directory: string, { moved }: AdoptOptions = {}): Promise<LayerRecord> {
    const ingest = this.#newIngest();
    try {
      const layer = await this.#workers.seal({ directory, recipe: join(ingest, 'recipe') });
      if (!this.#records.has(layer.diffId)) renameSync(directory, join(ingest, 'diff'));
      const record = this.#publish(ingest, layer);
      moved?.(record);
      return record;
    } catch (error) {
      this.#trash.discard(ingest);
      throw error;
    }
  }

  /** Makes a layer of what an overlayfs upper directory holds now; the directory stays as it is. */
  async copy(source: CopySource): Promise<LayerRecord> {
    const ingest = this.#newIngest();
    try {
      return this.#publish(ingest, await this.#workers.copy({ ...source, to: ingest }));
    } catch (error) {
      this.#trash.discard(ingest);
      throw error;
    }
  }

  /** The layer's uncompressed tar, byte for byte as it came. */
  openTar(diffId: Digest): Readable {
    if (!this.has(diffId)) throw new EngineError('data_loss', `layer ${diffId} does not exist`);
    return this.#workers.assemble(this.#parts(diffId), diffId);
  }

  /** As `openTar`, packed by gzip: the same layer gives the same bytes. */
  openGzip(diffId: Digest): Readable {
    if (!this.has(diffId)) throw new EngineError('data_loss', `layer ${diffId} does not exist`);
    return this.#workers.assemble(this.#parts(diffId), diffId, { gzip: true });
  }

  /** Answers the bytes freed. */
  remove(diffId: Digest): number {
    const record = this.#records.get(diffId);
    if (!record) return 0;
    this.#records.delete(diffId);
    const { layer, tar } = this.#parts(diffId);
    this.#trash.discard(layer);
    this.#trash.discard(tar);
    return record.size;
  }

  #newIngest(): string {
    const directory = join(this.#dataRoot, 'layers', 'ingest', randomBytes(8).toString('hex'));
    mkdirSync(directory, { mode: 0o700 });
    return directory;
  }

  #publish(
    ingest: string,
    { diffId, tarSize, size, known: isKnown }: UnpackedLayer & { known?: boolean },
  ): LayerRecord {
    this.#onVisible(diffId);
    const known = this.#records.get(diffId);
    if (isKnown && !known) throw new EngineError('unavailable', `layer ${diffId} was removed meanwhile`);
    if (known) {
      this.#trash.discard(ingest);
      return known;
    }
    const { layer, tar } = this.#parts(diffId);
    renameSync(join(ingest, 'diff'), layer);
    renameSync(ingest, tar);
    const record = { diffId, tarSize, size, unsyncedBoot: this.#boot };
    this.#records.put(diffId, record);
    this.#syncSoon();
    return record;
  }

  #parts(diffId: Digest): LayerParts {
    return {
      layer: layerDirectory(this.#dataRoot, diffId),
      tar: join(this.#dataRoot, 'layer-tars', digestHex(diffId)),
    };
  }

  /**
   * A layer's bytes reach the disk after the answer: waiting for them would cost as much again as unpacking. Until
   * they have, the record says which boot wrote them; after a power cut such layers are not trusted.
   */
  #syncSoon(): void {
    if (this.#syncTimer) return;
    this.#syncTimer = setTimeout(() => {
      this.#syncTimer = undefined;
      this.#sync().catch((error) => this.#logger.warn('cannot sync the layers to disk', { error }));
    }, 1000);
    this.#syncTimer.unref();
  }

  async #sync(): Promise<void> {
    const unsynced = [...this.#records.values()].filter((record) => record.unsyncedBoot !== undefined);
    await this.#workers.sync(this.#dataRoot);
    if (this.#closed) return;
    for (const { unsyncedBoot, ...record } of unsynced) {
      if (this.#records.has(record.diffId)) this.#records.put(record.diffId, record);
    }
  }

  /** Stops what runs in the background. The database may be closed after it. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#syncTimer);
  }

  /** After a crash: directories without a record are not whole, records without a directory are no layers. */
  #reconcile(): void {
    const layers = join(this.#dataRoot, 'layers');
    const tars = join(this.#dataRoot, 'layer-tars');
    for (const name of readdirSync(join(layers, 'ingest'))) this.#trash.discard(join(layers, 'ingest', name));
    const present = new Set(readdirSync(layers).filter((name) => /^[0-9a-f]{64}$/.test(name)));
    for (const record of [...this.#records.values()]) {
      const lost = record.unsyncedBoot !== undefined && record.unsyncedBoot !== this.#boot;
      if (present.has(digestHex(record.diffId)) && !lost) continue;
      this.#logger.warn('layer is lost: it was not on disk when the machine stopped', { diffId: record.diffId });
      this.remove(record.diffId);
      present.delete(digestHex(record.diffId));
    }
    for (const hex of [...present, ...readdirSync(tars)]) {
      if (this.#records.has(`sha256:${hex}`)) continue;
      this.#trash.discard(join(layers, hex));
      this.#trash.discard(join(tars, hex));
    }
    if ([...this.#records.values()].some((record) => record.unsyncedBoot !== undefined)) this.#syncSoon();
  }
}

export interface AdoptOptions {
  /** Called in the same turn in which the directory goes: who names it names the layer from then on. */
  readonly moved?: (record: LayerRecord) => void;
}

export interface LayerIngest {
  /** Copies the bytes. A promise tells the caller to wait before the next write. */
  write(bytes: Uint8Array): Promise<void> | undefined;
  commit(): Promise<AppliedLayer & { readonly record: LayerRecord }>;
  /** Leaves nothing behind. */
  abort(): Promise<void>;
}

export interface FileIngest {
  /** So many bytes of the file are there by now. */
  grown(length: number): void;
  /** Settles early where the bytes so far are no layer. */
  readonly applied: Promise<AppliedLayer>;
  /** The file is whole: resolves with what it holds. */
  end(): Promise<AppliedLayer>;
  /** Makes the layer visible. */
  publish(layer: AppliedLayer): LayerRecord;
  /** Leaves nothing behind. */
  abort(): Promise<void>;
}
