import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, statSync } from 'node:fs';
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { invalidArgument, notFound } from '@wharf/base/error';
import { type Digest, digestHex, parseDigest } from '@wharf/oci/digest';
import { type Call, duplex, type Handlers, streaming, unary } from '../grpc/grpc-server.ts';
import {
  Content,
  InfoResponseSchema,
  ReadContentResponseSchema,
  WriteAction,
  type WriteContentRequest,
  WriteContentResponseSchema,
} from '../pb/content_pb.ts';

/** Offers directories, by the names that the builder knows them by, for content: OCI layouts without an index. */
export function addContentStores(handlers: Handlers, directories: ReadonlyMap<string, string>): void {
  const directoryOf = ({ headers }: Call): string => {
    const name = String(headers['buildkit-attachable-store-id'] ?? '');
    const directory = directories.get(name);
    if (directory === undefined) throw notFound(`unknown content store ${JSON.stringify(name)}`);
    return directory;
  };
  unary(handlers, Content.method.info, async ({ digest }, call) => {
    const size = sizeOf(blobPath(directoryOf(call), digest), digest);
    return create(InfoResponseSchema, { info: { digest, size: BigInt(size) } });
  });
  streaming(handlers, Content.method.read, async function* ({ digest, offset, size }, call) {
    const path = blobPath(directoryOf(call), digest);
    const total = sizeOf(path, digest);
    let at = Number(offset);
    const end = size > 0n ? Math.min(total, at + Number(size)) : total;
    if (at >= end) return;
    for await (const data of createReadStream(path, { start: at, end: end - 1, highWaterMark: 256 << 10 })) {
      yield create(ReadContentResponseSchema, { offset: BigInt(at), data });
      at += data.length;
    }
  });
  duplex(handlers, Content.method.write, async function* (requests, call) {
    await using writer = new BlobWriter(directoryOf(call));
    for await (const request of requests) yield await writer.take(request);
  });
}

function blobPath(directory: string, digest: string): string {
  return join(directory, 'blobs', 'sha256', digestHex(parseDigest(digest)));
}

function sizeOf(path: string, digest: Digest): number {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found) throw notFound(`content ${digest}: not found`);
  return found.size;
}

/** One blob on its way into a store, where it is under its digest only when all of it was checked. */
class BlobWriter implements AsyncDisposable {
  readonly #directory: string;
  readonly #path: string;
  readonly #hash = createHash('sha256');
  #file: FileHandle | undefined;
  #offset = 0;

  constructor(directory: string) {
    this.#directory = directory;
    this.#path = join(directory, 'ingest', randomBytes(8).toString('hex'));
  }

  /** Answers as containerd's content service does: how much there is by now. */
  async take({ action, offset, data, total, expected }: WriteContentRequest) {
    if (data.length > 0) await this.#append(Number(offset), data);
    const digest = action === WriteAction.COMMIT ? await this.#commit(Number(total), expected) : '';
    return create(WriteContentResponseSchema, { action, offset: BigInt(this.#offset), total, digest });
  }

  async #open(): Promise<FileHandle> {
    if (this.#file) return this.#file;
    await mkdir(join(this.#directory, 'ingest'), { recursive: true });
    this.#file = await open(this.#path, 'wx', 0o644);
    return this.#file;
  }

  async #append(offset: number, data: Uint8Array): Promise<void> {
    if (offset !== this.#offset) {
      throw invalidArgument(`content is written at ${this.#offset}, not at ${offset}`);
    }
    const file = await this.#open();
    await file.writeFile(data);
    this.#hash.update(data);
    this.#offset += data.length;
  }

  async #commit(total: number, expected: string): Promise<Digest> {
    const file = await this.#open();
    const digest: Digest = `sha256:${this.#hash.digest('hex')}`;
    if ((total > 0 && total !== this.#offset) || (expected !== '' && expected !== digest)) {
      throw invalidArgument(`unexpected commit digest ${digest}, expected ${expected}`);
    }
    await file.sync();
    const path = blobPath(this.#directory, digest);
    await mkdir(join(this.#directory, 'blobs', 'sha256'), { recursive: true });
    await rename(this.#path, path);
    return digest;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file?.close();
    await rm(this.#path, { force: true });
  }
}
