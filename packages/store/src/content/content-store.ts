import { createHash, randomBytes } from 'node:crypto';
import {
  createReadStream,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { EngineError } from '@wharf/base/error';
import { type Digest, digestHex } from '@wharf/oci/digest';
import { digestOf } from '@wharf/oci/digest-of';

/** How long a fetch that was broken off can be taken up again. */
const partLifetime = 24 * 3600 * 1000;

/**
 * Blobs by digest, immutable.
 *
 *   <root>/blobs/sha256/<hex>
 *   <root>/ingest/<name>        being written: swept at start
 *   <root>/ingest/<hex>.part    being fetched: kept for a day, so that the fetch can go on
 *   <root>/ingest/<hex>.ranges  which bytes of it are there
 *
 * A blob appears by a rename after fsync, so it is whole or not there.
 */
export class ContentStore {
  readonly #blobs: string;
  readonly #ingest: string;

  readonly #onVisible: (digest: Digest) => void;

  /** `root` is `<data-root>/content`. Told of each blob that is there from now on, also when it was before. */
  constructor(root: string, onVisible: (digest: Digest) => void = () => {}) {
    this.#onVisible = onVisible;
    this.#blobs = join(root, 'blobs', 'sha256');
    this.#ingest = join(root, 'ingest');
    mkdirSync(this.#blobs, { recursive: true, mode: 0o710 });
    mkdirSync(this.#ingest, { recursive: true, mode: 0o710 });
    this.#sweep();
  }

  #sweep(): void {
    const oldest = Date.now() - partLifetime;
    for (const name of readdirSync(this.#ingest)) {
      const path = join(this.#ingest, name);
      const isPart = /^[0-9a-f]{64}\.(part|ranges)$/.test(name);
      if (isPart && (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0) > oldest) continue;
      rmSync(path, { recursive: true, force: true });
    }
  }

  /** Where a blob that is being fetched lies until it is whole. */
  part(digest: Digest): { readonly file: string; readonly ranges: string } {
    const path = join(this.#ingest, digestHex(digest));
    return { file: `${path}.part`, ranges: `${path}.ranges` };
  }

  /** Parts that nobody is fetching: all but those in `wanted`. Answers the bytes freed. */
  dropParts(wanted: ReadonlySet<Digest>): number {
    let freed = 0;
    for (const name of readdirSync(this.#ingest)) {
      const hex = /^([0-9a-f]{64})\.(part|ranges)$/.exec(name)?.[1];
      if (hex === undefined || wanted.has(`sha256:${hex}`)) continue;
      const path = join(this.#ingest, name);
      freed += (statSync(path, { throwIfNoEntry: false })?.blocks ?? 0) * 512;
      rmSync(path, { force: true });
    }
    return freed;
  }

  has(digest: Digest): boolean {
    return existsSync(this.#path(digest));
  }

  /** Bytes of a blob, or undefined where it is not here. */
  sizeOf(digest: Digest): number | undefined {
    return statSync(this.#path(digest), { throwIfNoEntry: false })?.size;
  }

  /** A small blob's bytes, checked. Throws not_found, or data_loss where the disk no longer has what was written. */
  read(digest: Digest): Buffer {
    if (!this.has(digest)) throw new EngineError('not_found', `content ${digest} not found`);
    const bytes = readFileSync(this.#path(digest));
    if (digestOf(bytes) !== digest) throw new EngineError('data_loss', `content ${digest} is damaged`);
    return bytes;
  }

  /** Streams a blob. The stream fails with data_loss at its end where the bytes are not the digest's. */
  stream(digest: Digest): Readable {
    const hash = createHash('sha256');
    const stream = createReadStream(this.#path(digest), { highWaterMark: 1 << 20 });
    stream.on('data', (chunk) => hash.update(chunk));
    stream.once('end', () => {
      if (hash.digest('hex') === digestHex(digest)) return;
      stream.destroy(new EngineError('data_loss', `content ${digest} is damaged`));
    });
    return stream;
  }

  /** Stores small content; its name is durable after `sync`. What is there already but damaged is written again. */
  async write(bytes: Uint8Array): Promise<Digest> {
    const digest = digestOf(bytes);
    this.#onVisible(digest);
    if (this.#isWhole(digest, bytes)) return digest;
    const path = this.newIngest();
    await using file = await open(path, 'wx', 0o600);
    await file.writeFile(bytes);
    await file.sync();
    this.commit(path, digest);
    return digest;
  }

  /** As `write`, at once and without waiting for the disk: for content that can be made again. */
  writeNow(bytes: Uint8Array): Digest {
    const digest = digestOf(bytes);
    if (this.#isWhole(digest, bytes)) return digest;
    const path = this.newIngest();
    writeFileSync(path, bytes, { flag: 'wx', mode: 0o600 });
    renameSync(path, this.#path(digest));
    return digest;
  }

  #isWhole(digest: Digest, bytes: Uint8Array): boolean {
    return this.has(digest) && readFileSync(this.#path(digest)).equals(bytes);
  }

  /** A path for a new file whose content will be committed under its digest. */
  newIngest(): string {
    return join(this.#ingest, randomBytes(8).toString('hex'));
  }

  /** Makes a whole and synced ingest visible. */
  commit(ingest: string, digest: Digest): void {
    this.#onVisible(digest);
    renameSync(ingest, this.#path(digest));
  }

  /** Waits until the names of all blobs are on disk. */
  async sync(): Promise<void> {
    await using directory = await open(this.#blobs, 'r');
    await directory.sync();
  }

  abort(ingest: string): void {
    rmSync(ingest, { force: true });
  }

  digests(): Digest[] {
    return readdirSync(this.#blobs).map((hex) => `sha256:${hex}`);
  }

  /** Answers the bytes freed. */
  remove(digest: Digest): number {
    const size = this.sizeOf(digest) ?? 0;
    rmSync(this.#path(digest), { force: true });
    return size;
  }

  /** Where a whole blob lies, for who reads it from a thread of its own. */
  pathOf(digest: Digest): string {
    return this.#path(digest);
  }

  #path(digest: Digest): string {
    return join(this.#blobs, digestHex(digest));
  }
}
