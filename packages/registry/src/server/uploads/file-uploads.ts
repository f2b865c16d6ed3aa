import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { KeyedLock } from '@wharf/base/keyed-lock';
import { within } from '@wharf/base/within';
import { algorithmOf, type ContentDigest, type DigestAlgorithm, hexOf, startHash } from '../content-digest.ts';
import { RegistryError } from '../error.ts';
import type { RepositoryName } from '../names.ts';
import type { FileObjectStore } from '../storage/file-object-store.ts';
import { blobKey, uploadsPrefix } from '../storage/keys.ts';
import type { AppendOptions, BlobUploads, Upload } from './blob-uploads.ts';
import { type ByteTaker, takeBytes } from './take-bytes.ts';
import { otherLength, outOfOrder, tooLarge } from './upload-errors.ts';

interface RunningHash {
  readonly hash: ReturnType<typeof startHash>;
  /** Bytes hashed; the file must have as many for the hash to be of any use. */
  size: number;
}

const settleSeconds = 0.25;
const idPattern = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Uploads as files beside the blobs, so that the end of one is a rename: `uploads/<id>/{upload.json,data}`. */
export class FileUploads implements BlobUploads {
  readonly #store: FileObjectStore;
  readonly #hashes = new Map<string, RunningHash>();
  readonly #locks = new KeyedLock();

  constructor(store: FileObjectStore) {
    this.#store = store;
  }

  async create(repository: RepositoryName, algorithm: DigestAlgorithm): Promise<Upload> {
    const id = randomUUID();
    await mkdir(this.#directory(id), { recursive: true, mode: 0o700 });
    await writeFile(join(this.#directory(id), 'upload.json'), JSON.stringify({ repository, algorithm }), {
      mode: 0o600,
    });
    this.#hashes.set(id, { hash: startHash(algorithm), size: 0 });
    return { id, repository, algorithm, size: 0 };
  }

  async find(repository: RepositoryName, id: string): Promise<Upload | undefined> {
    if (!idPattern.test(id)) return undefined;
    // Who was cut off asks at once, while the last of what came is still being written.
    if (this.#locks.isHeld(id))
      await within(
        this.#locks.run(id, async () => {}),
        settleSeconds,
      );
    try {
      const record = JSON.parse(await readFile(join(this.#directory(id), 'upload.json'), 'utf8'));
      if (record.repository !== repository) return undefined;
      return { id, repository, algorithm: record.algorithm, size: await this.#size(id) };
    } catch {
      return undefined;
    }
  }

  append(upload: Upload, source: ReadableStream<Uint8Array> | null, options: AppendOptions = {}): Promise<number> {
    return this.#locks.run(upload.id, async () => {
      const before = await this.#size(upload.id);
      if (options.at !== undefined && options.at !== before) throw outOfOrder(before);
      if (!source) return before;
      await using file = await open(this.#data(upload.id), 'a', 0o600);
      return await this.#take(upload.id, { file, source, before, options });
    });
  }

  async #take(
    id: string,
    {
      file,
      source,
      before,
      options,
    }: { file: FileHandle; source: ReadableStream<Uint8Array>; before: number; options: AppendOptions },
  ): Promise<number> {
    const running = this.#hashes.get(id);
    if (running?.size !== before) this.#hashes.delete(id);
    const hash = running?.size === before ? running : undefined;
    let size = before;
    const taker: ByteTaker = {
      take: (piece) => {
        size += piece.length;
        if (options.limit !== undefined && size > options.limit) throw tooLarge(options.limit);
        if (options.length !== undefined && size - before > options.length) throw otherLength(options.length);
        hash?.hash.update(piece);
      },
      write: async (pieces) => {
        await file.writev(pieces);
      },
    };
    try {
      await takeBytes(source, taker);
      if (options.length !== undefined && size - before !== options.length) throw otherLength(options.length);
    } catch (error) {
      // Bytes that were refused must not be taken for ones that came.
      if (error instanceof RegistryError) await file.truncate(before);
      throw error;
    } finally {
      // As many bytes as were hashed are in the file, or the hash is of no use.
      if (hash) hash.size = size;
    }
    return size;
  }

  commit(upload: Upload, digest: ContentDigest, beforeVisible: () => Promise<void>): Promise<number> {
    return this.#locks.run(upload.id, async () => {
      const size = await this.#size(upload.id);
      const file = await open(this.#data(upload.id), 'a', 0o600);
      try {
        if ((await this.#digest(upload.id, size, digest)) !== hexOf(digest)) {
          throw new RegistryError('DIGEST_INVALID', 'provided digest did not match uploaded content', {
            detail: { digest },
          });
        }
        await file.datasync();
        await beforeVisible();
        await this.#store.moveIn(this.#data(upload.id), blobKey(digest));
      } finally {
        await file.close();
        await this.#forget(upload.id);
      }
      return size;
    });
  }

  openPartial({ id }: Upload): Promise<FileHandle> {
    return open(this.#data(id), 'a+', 0o600);
  }

  cancel({ id }: Upload): Promise<void> {
    return this.#locks.run(id, () => this.#forget(id));
  }

  async expire(before: number): Promise<number> {
    const ids = await readdir(this.#store.path(uploadsPrefix)).catch(() => []);
    let ended = 0;
    for (const id of ids) {
      const touched = await lastChange(this.#directory(id), this.#data(id));
      if (touched >= before || this.#locks.isHeld(id)) continue;
      await this.#locks.run(id, () => this.#forget(id));
      ended++;
    }
    return ended;
  }

  async #digest(id: string, size: number, digest: ContentDigest): Promise<string> {
    const running = this.#hashes.get(id);
    const algorithm = algorithmOf(digest);
    const isCurrent = running?.size === size && (await this.#algorithm(id)) === algorithm;
    if (running && isCurrent) return running.hash.digest('hex');
    const hash = startHash(algorithm);
    for await (const piece of createReadStream(this.#data(id), { highWaterMark: 1024 * 1024 })) hash.update(piece);
    return hash.digest('hex');
  }

  async #algorithm(id: string): Promise<DigestAlgorithm> {
    return JSON.parse(await readFile(join(this.#directory(id), 'upload.json'), 'utf8')).algorithm;
  }

  async #forget(id: string): Promise<void> {
    this.#hashes.delete(id);
    await rm(this.#directory(id), { recursive: true, force: true });
  }

  async #size(id: string): Promise<number> {
    return await stat(this.#data(id)).then(
      ({ size }) => size,
      () => 0,
    );
  }

  #directory(id: string): string {
    return this.#store.path(`${uploadsPrefix}${id}`);
  }

  #data(id: string): string {
    return join(this.#directory(id), 'data');
  }
}

async function lastChange(...paths: string[]): Promise<number> {
  const times = await Promise.all(
    paths.map((path) =>
      stat(path).then(
        ({ mtimeMs }) => mtimeMs,
        () => 0,
      ),
    ),
  );
  return Math.max(...times);
}
