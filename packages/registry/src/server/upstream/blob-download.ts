import type { FileHandle } from 'node:fs/promises';
import type { ContentDigest } from '../content-digest.ts';
import { algorithmOf } from '../content-digest.ts';
import { RegistryError } from '../error.ts';
import type { RepositoryName } from '../names.ts';
import type { RegistryDeps } from '../registry-deps.ts';
import type { Upload } from '../uploads/blob-uploads.ts';
import type { UpstreamRepository } from './upstreams.ts';

const pieceSize = 256 * 1024;
const pollMilliseconds = 5;

export interface BlobDownloadOptions {
  readonly source: UpstreamRepository;
  readonly digest: ContentDigest;
  /** Called once it has ended, well or not, before any of its readers is told. */
  readonly onEnd: () => void;
}

/** A blob on its way from another registry. Whoever asks meanwhile reads along. */
export class BlobDownload {
  readonly size: number;
  /** Settles when the blob is here and right, or will not be. */
  readonly done: Promise<void>;
  /** Opened before the first byte comes: its name is gone as soon as the last one has. */
  readonly #file: FileHandle | undefined;
  /** The download itself, and who reads along. */
  #users = 1;
  #ended = false;

  private constructor(size: number, file: FileHandle | undefined, done: Promise<void>) {
    this.size = size;
    this.#file = file;
    this.done = done.finally(() => {
      this.#ended = true;
      this.#leave();
    });
    this.done.catch(() => {});
  }

  static async start(
    deps: RegistryDeps,
    repository: RepositoryName,
    { source, digest, onEnd }: BlobDownloadOptions,
  ): Promise<BlobDownload> {
    // The download is nobody's alone: it goes on when who asked first leaves.
    const { signal } = new AbortController();
    const { response } = await source.remote.blob(digest, { offset: 0, signal });
    const length = response.headers.get('content-length');
    const size = length === null ? await source.blobSize(digest) : Number(length);
    if (!response.body || size === undefined) throw new RegistryError('BLOB_UNKNOWN', 'the upstream sent no length');
    const upload = await deps.uploads.create(repository, algorithmOf(digest));
    const file = await deps.uploads.openPartial?.(upload);
    const done = store(deps, upload, { body: response.body, digest, size });
    return new BlobDownload(size, file, done.finally(onEnd));
  }

  /** Not once it has ended and all have left: then the blob is read, if there is one. */
  get canBeReadAlong(): boolean {
    return this.#file !== undefined && this.#users > 0;
  }

  /** Bytes as they arrive. The last of them are held back until all are known to be right. */
  stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    if (!this.#file || !this.canBeReadAlong) throw new Error('the blob can only be read whole');
    const pieces = this.#pieces(this.#file);
    this.#users++;
    const leave = once(() => this.#leave());
    return new ReadableStream({
      pull: async (controller) => {
        try {
          const { done, value } = await pieces.next();
          if (!done) return controller.enqueue(value);
          controller.close();
        } catch (error) {
          controller.error(error);
        }
        leave();
      },
      async cancel() {
        await pieces.return();
        leave();
      },
    });
  }

  async *#pieces(file: FileHandle): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
    for (let at = 0; at < this.size; ) {
      if (this.#ended) await this.done;
      const visible = this.#ended ? this.size : this.size - 1;
      const buffer = new Uint8Array(Math.min(pieceSize, visible - at));
      const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
      at += bytesRead;
      if (bytesRead > 0) yield buffer.subarray(0, bytesRead);
      else await Promise.race([this.done, new Promise((resolve) => setTimeout(resolve, pollMilliseconds))]);
    }
    await this.done;
  }

  #leave(): void {
    if (--this.#users === 0) void this.#file?.close();
  }
}

function once(body: () => void): () => void {
  let isOver = false;
  return () => {
    if (isOver) return;
    isOver = true;
    body();
  };
}

async function store(
  { uploads, links }: RegistryDeps,
  upload: Upload,
  { body, digest, size }: { body: ReadableStream<Uint8Array>; digest: ContentDigest; size: number },
): Promise<void> {
  try {
    await uploads.append(upload, body, { length: size });
  } catch (error) {
    await uploads.cancel(upload);
    throw error;
  }
  await uploads.commit(upload, digest, () => links.claim(upload.repository, digest));
}
