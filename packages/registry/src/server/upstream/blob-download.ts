import { open } from 'node:fs/promises';
import type { ContentDigest } from '../content-digest.ts';
import { algorithmOf } from '../content-digest.ts';
import { RegistryError } from '../error.ts';
import type { RepositoryName } from '../names.ts';
import type { RegistryDeps } from '../registry-deps.ts';
import type { Upload } from '../uploads/blob-uploads.ts';
import type { UpstreamRepository } from './upstreams.ts';

const pieceSize = 256 * 1024;
const pollMilliseconds = 5;

/** A blob on its way from another registry. Whoever asks meanwhile reads along. */
export class BlobDownload {
  readonly size: number;
  /** Settles when the blob is here and right, or will not be. */
  readonly done: Promise<void>;
  readonly #path: string | undefined;
  #ended = false;

  private constructor(size: number, path: string | undefined, done: Promise<void>) {
    this.size = size;
    this.#path = path;
    this.done = done.finally(() => {
      this.#ended = true;
    });
    this.done.catch(() => {});
  }

  static async start(
    deps: RegistryDeps,
    repository: RepositoryName,
    { source, digest }: { source: UpstreamRepository; digest: ContentDigest },
  ): Promise<BlobDownload> {
    // The download is nobody's alone: it goes on when who asked first leaves.
    const { signal } = new AbortController();
    const { response } = await source.remote.blob(digest, { offset: 0, signal });
    const length = response.headers.get('content-length');
    const size = length === null ? await source.blobSize(digest) : Number(length);
    if (!response.body || size === undefined) throw new RegistryError('BLOB_UNKNOWN', 'the upstream sent no length');
    const upload = await deps.uploads.create(repository, algorithmOf(digest));
    const done = store(deps, upload, { body: response.body, digest, size });
    return new BlobDownload(size, deps.uploads.partialFile?.(upload), done);
  }

  /** Bytes as they arrive. The last of them are held back until all are known to be right. */
  stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    const pieces = this.#pieces();
    return new ReadableStream({
      async pull(controller) {
        const { done, value } = await pieces.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        await pieces.return();
      },
    });
  }

  async *#pieces(): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
    const file = this.#path === undefined ? undefined : await openWhenThere(this.#path, () => this.#ended);
    if (!file) throw new Error('the blob can only be read whole');
    try {
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
    } finally {
      await file.close();
    }
  }

  get canBeReadAlong(): boolean {
    return this.#path !== undefined;
  }
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

async function openWhenThere(
  path: string,
  hasEnded: () => boolean,
): Promise<Awaited<ReturnType<typeof open>> | undefined> {
  for (;;) {
    const ended = hasEnded();
    const file = await open(path, 'r').catch(() => undefined);
    if (file || ended) return file;
    await new Promise((resolve) => setTimeout(resolve, pollMilliseconds));
  }
}
