import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { AbortMultipartUploadCommand, CopyObjectCommand, ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import { Upload as MultipartUpload } from '@aws-sdk/lib-storage';
import { KeyedLock } from '@wharf/base/keyed-lock';
import { algorithmOf, type ContentDigest, type DigestAlgorithm, hexOf, startHash } from '../content-digest.ts';
import { RegistryError } from '../error.ts';
import type { RepositoryName } from '../names.ts';
import { blobKey, uploadsPrefix } from '../storage/keys.ts';
import type { S3ObjectStore } from '../storage/s3-object-store.ts';
import type { AppendOptions, BlobUploads, Upload } from './blob-uploads.ts';
import { otherLength, outOfOrder, tooLarge } from './upload-errors.ts';

interface Segment {
  readonly key: string;
  readonly size: number;
}

/** S3's limit for a copy in one request. */
const largestCopy = 5 * 1024 ** 3;
const partSize = 8 * 1024 * 1024;
const idPattern = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Uploads as segments, one a request: `uploads/<id>/data/<offset>`. Any server may take the next one; the one that had
 * all of them knows the hash, another reads them again at the end.
 */
export class S3Uploads implements BlobUploads {
  readonly #store: S3ObjectStore;
  readonly #hashes = new Map<string, { readonly hash: ReturnType<typeof startHash>; size: number }>();
  readonly #locks = new KeyedLock();

  constructor(store: S3ObjectStore) {
    this.#store = store;
  }

  async create(repository: RepositoryName, algorithm: DigestAlgorithm): Promise<Upload> {
    const id = randomUUID();
    await this.#store.write(recordKey(id), JSON.stringify({ repository, algorithm }));
    this.#hashes.set(id, { hash: startHash(algorithm), size: 0 });
    return { id, repository, algorithm, size: 0 };
  }

  async find(repository: RepositoryName, id: string): Promise<Upload | undefined> {
    if (!idPattern.test(id)) return undefined;
    const stored = await this.#store.read(recordKey(id));
    const record = stored && JSON.parse(stored.toString());
    if (record?.repository !== repository) return undefined;
    return { id, repository, algorithm: record.algorithm, size: sizeOf(await this.#segments(id)) };
  }

  append(upload: Upload, source: ReadableStream<Uint8Array> | null, options: AppendOptions = {}): Promise<number> {
    return this.#locks.run(upload.id, async () => {
      const before = sizeOf(await this.#segments(upload.id));
      if (options.at !== undefined && options.at !== before) throw outOfOrder(before);
      return source ? await this.#take(upload.id, { source, before, options }) : before;
    });
  }

  async #take(
    id: string,
    { source, before, options }: { source: ReadableStream<Uint8Array>; before: number; options: AppendOptions },
  ): Promise<number> {
    const running = this.#hashes.get(id);
    if (running?.size !== before) this.#hashes.delete(id);
    const hash = running?.size === before ? running : undefined;
    let size = before;
    let failure: unknown;
    async function* pieces(): AsyncGenerator<Uint8Array> {
      const reader = source.getReader();
      try {
        for (;;) {
          const { done, value } = await reader.read();
          if (done) return;
          size += value.length;
          if (options.limit !== undefined && size > options.limit) throw tooLarge(options.limit);
          if (options.length !== undefined && size - before > options.length) throw otherLength(options.length);
          hash?.hash.update(value);
          yield value;
        }
      } catch (error) {
        // What was refused is dropped; of what broke off, the part that came is kept.
        if (error instanceof RegistryError) throw error;
        failure = error;
      }
    }
    try {
      await this.#put(segmentKey(id, before), Readable.from(pieces()));
    } finally {
      if (hash) hash.size = size;
    }
    if (size === before) await this.#store.remove(segmentKey(id, before));
    if (failure !== undefined) throw failure;
    if (options.length !== undefined && size - before !== options.length) {
      await this.#store.remove(segmentKey(id, before));
      throw otherLength(options.length);
    }
    return size;
  }

  commit(upload: Upload, digest: ContentDigest, beforeVisible: () => Promise<void>): Promise<number> {
    return this.#locks.run(upload.id, async () => {
      const segments = await this.#segments(upload.id);
      const size = sizeOf(segments);
      try {
        if ((await this.#digest(upload, segments, digest)) !== hexOf(digest)) {
          throw new RegistryError('DIGEST_INVALID', 'provided digest did not match uploaded content', {
            detail: { digest },
          });
        }
        await beforeVisible();
        await this.#assemble(segments, blobKey(digest));
      } finally {
        await this.#forget(upload.id);
      }
      return size;
    });
  }

  async #assemble(segments: readonly Segment[], to: string): Promise<void> {
    const [only] = segments;
    if (segments.length === 1 && only!.size <= largestCopy) {
      const { Bucket, Key } = this.#store.at(only!.key);
      const CopySource = `${Bucket}/${encodeURIComponent(Key)}`;
      await this.#store.options.client.send(new CopyObjectCommand({ ...this.#store.at(to), CopySource }));
    } else {
      await this.#put(to, Readable.from(this.#bytes(segments)));
    }
  }

  async #put(key: string, body: Readable): Promise<void> {
    const { client } = this.#store.options;
    await new MultipartUpload({
      client,
      params: { ...this.#store.at(key), Body: body },
      partSize,
      queueSize: 2,
    }).done();
  }

  async *#bytes(segments: readonly Segment[]): AsyncGenerator<Uint8Array> {
    const { signal } = new AbortController();
    for (const { key, size } of segments) {
      const found = await this.#store.body(key, { start: 0, end: size }, { signal, direct: true });
      if (found?.kind !== 'body') throw new Error(`a segment of an upload is gone: ${key}`);
      const reader = (found.body instanceof Blob ? found.body.stream() : found.body).getReader();
      for (let piece = await reader.read(); !piece.done; piece = await reader.read()) yield piece.value;
    }
  }

  async #digest(upload: Upload, segments: readonly Segment[], digest: ContentDigest): Promise<string> {
    const running = this.#hashes.get(upload.id);
    const algorithm = algorithmOf(digest);
    if (running?.size === sizeOf(segments) && upload.algorithm === algorithm) return running.hash.digest('hex');
    const hash = startHash(algorithm);
    for await (const piece of this.#bytes(segments)) hash.update(piece);
    return hash.digest('hex');
  }

  cancel({ id }: Upload): Promise<void> {
    return this.#locks.run(id, () => this.#forget(id));
  }

  async expire(before: number): Promise<number> {
    const touched = new Map<string, number>();
    for await (const { key, modified } of this.#store.list(uploadsPrefix)) {
      const id = key.split('/')[1]!;
      touched.set(id, Math.max(touched.get(id) ?? 0, modified));
    }
    let ended = 0;
    for (const [id, modified] of touched) {
      if (modified >= before || this.#locks.isHeld(id)) continue;
      await this.#locks.run(id, () => this.#forget(id));
      ended++;
    }
    await this.#abortMultipart(before);
    return ended;
  }

  /** Parts that no object was made of are paid for, and listed nowhere else. */
  async #abortMultipart(before: number): Promise<void> {
    const { client } = this.#store.options;
    const { Bucket, Key } = this.#store.at('');
    const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket, Prefix: Key }));
    for (const { Key: key, UploadId, Initiated } of Uploads) {
      if ((Initiated?.getTime() ?? 0) >= before) continue;
      await client.send(new AbortMultipartUploadCommand({ Bucket, Key: key, UploadId }));
    }
  }

  async #segments(id: string): Promise<Segment[]> {
    const segments: Segment[] = [];
    for await (const segment of this.#store.list(`${uploadsPrefix}${id}/data/`)) segments.push(segment);
    return segments.sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  async #forget(id: string): Promise<void> {
    this.#hashes.delete(id);
    for await (const { key } of this.#store.list(`${uploadsPrefix}${id}/`)) await this.#store.remove(key);
  }
}

function recordKey(id: string): string {
  return `${uploadsPrefix}${id}/upload.json`;
}

/** In the order of the offsets, also as text. */
function segmentKey(id: string, offset: number): string {
  return `${uploadsPrefix}${id}/data/${String(offset).padStart(16, '0')}`;
}

function sizeOf(segments: readonly Segment[]): number {
  return segments.reduce((sum, { size }) => sum + size, 0);
}
