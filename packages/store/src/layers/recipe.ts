import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { ByteString } from '@wharf/oci/layer/tar-header';

/**
 * How to make a layer's tar again, byte for byte: all of it that is not a file's content, and where each file's
 * content lies. About 50 bytes a member on disk.
 *
 *   file    frame*
 *   frame   u32le compressed length, zstd frame of records
 *   record  u32le length, raw bytes, u32le path length (0xffffffff: no file), path, f64le offset, f64le length
 */
const noFile = 0xffffffff;
const frameSize = 1 << 20;

export interface RecipeStep {
  readonly raw: Buffer;
  readonly file: FileRange | undefined;
}

export interface FileRange {
  /** Below the layer's directory, no leading slash. */
  readonly path: ByteString;
  readonly offset: number;
  readonly length: number;
}

export class RecipeWriter {
  readonly #fd: number;
  #raw: Buffer[] = [];
  #rawLength = 0;
  #file: { path: ByteString; offset: number; length: number } | undefined;
  #records: Buffer[] = [];
  #recordsLength = 0;
  #files = 0;
  #closed = false;

  constructor(path: string) {
    this.#fd = openSync(path, 'wx', 0o600);
  }

  /** Steps with a file so far. */
  get files(): number {
    return this.#files;
  }

  raw(bytes: Buffer): void {
    if (this.#file) this.#flushRecord();
    this.#raw.push(Buffer.from(bytes));
    this.#rawLength += bytes.length;
    if (this.#rawLength >= frameSize) this.#flushRecord();
  }

  /** Adjacent ranges of one file become one. */
  file(path: ByteString, offset: number, length: number): void {
    const last = this.#file;
    if (last && last.path === path && last.offset + last.length === offset) {
      last.length += length;
      return;
    }
    if (last) this.#flushRecord();
    this.#file = { path, offset, length };
    this.#files++;
  }

  close(): void {
    this.#flushRecord();
    this.#flushFrame();
    this.abort();
  }

  /** Idempotent. */
  abort(): void {
    if (!this.#closed) closeSync(this.#fd);
    this.#closed = true;
  }

  #flushRecord(): void {
    const head = Buffer.alloc(4);
    head.writeUInt32LE(this.#rawLength);
    this.#add(head, ...this.#raw);
    const file = this.#file;
    const tail = Buffer.alloc(file ? 20 + file.path.length : 4);
    tail.writeUInt32LE(file ? file.path.length : noFile);
    if (file) {
      tail.write(file.path, 4, 'latin1');
      tail.writeDoubleLE(file.offset, 4 + file.path.length);
      tail.writeDoubleLE(file.length, 12 + file.path.length);
    }
    this.#add(tail);
    this.#raw = [];
    this.#rawLength = 0;
    this.#file = undefined;
    if (this.#recordsLength >= frameSize) this.#flushFrame();
  }

  #add(...buffers: Buffer[]): void {
    for (const buffer of buffers) {
      this.#records.push(buffer);
      this.#recordsLength += buffer.length;
    }
  }

  #flushFrame(): void {
    if (this.#recordsLength === 0) return;
    const compressed = zstdCompressSync(Buffer.concat(this.#records));
    const head = Buffer.alloc(4);
    head.writeUInt32LE(compressed.length);
    writeAll(this.#fd, Buffer.concat([head, compressed]));
    this.#records = [];
    this.#recordsLength = 0;
  }
}

/** The steps in order. Throws on a damaged file. */
export function* readRecipe(path: string): Generator<RecipeStep> {
  const fd = openSync(path, 'r');
  try {
    for (;;) {
      const head = readExactly(fd, 4);
      if (!head) return;
      const frame = readExactly(fd, head.readUInt32LE());
      if (!frame) throw new Error('the layer recipe is cut short');
      yield* decodeRecords(zstdDecompressSync(frame));
    }
  } finally {
    closeSync(fd);
  }
}

function* decodeRecords(bytes: Buffer): Generator<RecipeStep> {
  let offset = 0;
  while (offset < bytes.length) {
    const rawEnd = offset + 4 + bytes.readUInt32LE(offset);
    const raw = bytes.subarray(offset + 4, rawEnd);
    const pathLength = bytes.readUInt32LE(rawEnd);
    if (pathLength === noFile) {
      offset = rawEnd + 4;
      yield { raw, file: undefined };
      continue;
    }
    const pathEnd = rawEnd + 4 + pathLength;
    const path = bytes.toString('latin1', rawEnd + 4, pathEnd);
    yield { raw, file: { path, offset: bytes.readDoubleLE(pathEnd), length: bytes.readDoubleLE(pathEnd + 8) } };
    offset = pathEnd + 16;
  }
}

function writeAll(fd: number, bytes: Buffer): void {
  let done = 0;
  while (done < bytes.length) done += writeSync(fd, bytes, done, bytes.length - done);
}

function readExactly(fd: number, length: number): Buffer | undefined {
  const buffer = Buffer.alloc(length);
  let done = 0;
  while (done < length) {
    const count = readSync(fd, buffer, done, length - done, null);
    if (count === 0) return undefined;
    done += count;
  }
  return buffer;
}
