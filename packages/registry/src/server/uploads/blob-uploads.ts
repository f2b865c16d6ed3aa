import type { FileHandle } from 'node:fs/promises';
import type { ContentDigest, DigestAlgorithm } from '../content-digest.ts';
import type { RepositoryName } from '../names.ts';

/** A blob on its way in. Nothing of it can be read before it is committed. */
export interface Upload {
  readonly id: string;
  readonly repository: RepositoryName;
  /** Hashed while it arrives; another at the end costs one more pass over the bytes. */
  readonly algorithm: DigestAlgorithm;
  /** Bytes so far. */
  readonly size: number;
}

export interface BlobUploads {
  create(repository: RepositoryName, algorithm: DigestAlgorithm): Promise<Upload>;
  /** Undefined for an upload of another repository too. */
  find(repository: RepositoryName, id: string): Promise<Upload | undefined>;
  /**
   * Adds what comes, and answers the new size. `at` refuses bytes that do not start there. When the source breaks
   * off, what had come stays and the error is the source's.
   */
  append(upload: Upload, source: ReadableStream<Uint8Array> | null, options?: AppendOptions): Promise<number>;
  /**
   * Makes the bytes the blob of this digest, durably, and answers their number. Throws DIGEST_INVALID for other
   * bytes; the upload has ended either way. `beforeVisible` runs once the bytes are known to be right.
   */
  commit(upload: Upload, digest: ContentDigest, beforeVisible: () => Promise<void>): Promise<number>;
  /** What has come so far and what will come, to be read, if that is a file. */
  openPartial?(upload: Upload): Promise<FileHandle>;
  cancel(upload: Upload): Promise<void>;
  /** Ends uploads that nobody has added to since then; answers how many. */
  expire(before: number): Promise<number>;
}

export interface AppendOptions {
  readonly at?: number | undefined;
  /** How many bytes the client said this piece has. */
  readonly length?: number | undefined;
  /** The whole blob's limit. */
  readonly limit?: number | undefined;
}
