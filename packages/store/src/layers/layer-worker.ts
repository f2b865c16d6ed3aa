import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import type { Transform } from 'node:stream';
import { finished } from 'node:stream/promises';
import { parentPort } from 'node:worker_threads';
import { EngineError } from '@wharf/base/error';
import { type Compression, createDecompressor, detectCompression } from '@wharf/oci/layer/compression';
import { syncFileSystem } from '@wharf/sys/file';
import { assembleLayer } from './layer-assembler.ts';
import { diffDirectory } from './layer-diff.ts';
import type { BlobOption, LayerAnswer, LayerRequest } from './layer-job.ts';
import { LayerUnpacker } from './layer-unpacker.ts';

/** The worker's side: hashing, inflating, unpacking and packing, off the daemon's main thread. */

const port = parentPort!;
const send = (answer: LayerAnswer, transfer: ArrayBuffer[] = []) => port.postMessage(answer, transfer);

let application: Application | undefined;
let delivery: Delivery | undefined;

/** Requests take turns: inflating a chunk may not be done when the next one arrives. */
let turn = Promise.resolve();

port.on('message', (request: LayerRequest) => {
  turn = turn
    .then(() => handle(request))
    .catch((error: unknown) => {
      application?.abort();
      application = undefined;
      delivery = undefined;
      const { code, message } = EngineError.from(error);
      send({ kind: 'failed', code, message });
    });
});

async function handle(request: LayerRequest): Promise<void> {
  switch (request.kind) {
    case 'apply':
      application = new Application(request.directory, request.blob);
      return;
    case 'chunk': {
      const bytes = Buffer.from(request.bytes.buffer, request.bytes.byteOffset, request.bytes.byteLength);
      await application?.feed(bytes);
      send({ kind: 'taken', length: bytes.length });
      return;
    }
    case 'end':
      await application?.end();
      application = undefined;
      return;
    case 'assemble':
      delivery = new Delivery(assembleLayer(request.parts), request.diffId);
      return;
    case 'diff':
      delivery = new Delivery(diffDirectory(request.directory), undefined);
      return;
    case 'sync':
      syncDirectory(request.directory);
      send({ kind: 'sent' });
      return;
    case 'more':
      if (delivery?.step()) delivery = undefined;
      return;
    case 'abort':
      application?.abort();
      application = undefined;
      delivery?.abort();
      delivery = undefined;
  }
}

function syncDirectory(directory: string): void {
  const fd = openSync(directory, 'r');
  try {
    syncFileSystem(fd);
  } finally {
    closeSync(fd);
  }
}

class Application {
  readonly #blob: BlobOption;
  readonly #unpacker: LayerUnpacker;
  readonly #hash = createHash('sha256');
  #size = 0;
  #blobFd = -1;
  #compression: Compression = 'none';
  #inflater: Transform | undefined;
  #started = false;
  #start: Buffer[] = [];
  #failure: unknown;

  constructor(directory: string, blob: BlobOption) {
    this.#unpacker = new LayerUnpacker(directory);
    this.#blob = blob;
  }

  async feed(bytes: Buffer): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#started) return this.#feedStarted(bytes);
    this.#start.push(bytes);
    const start = Buffer.concat(this.#start);
    if (start.length < 6) return;
    this.#begin(start);
    return this.#feedStarted(start);
  }

  #begin(start: Buffer): void {
    this.#started = true;
    this.#start = [];
    const compression = detectCompression(start);
    this.#compression = compression;
    if (compression === 'none') return;
    if (this.#blob.keep === 'compressed') this.#blobFd = openSync(this.#blob.path, 'wx', 0o600);
    this.#inflater = createDecompressor(compression);
    this.#inflater.on('data', (chunk: Buffer) => {
      try {
        if (this.#failure === undefined) this.#unpacker.feed(chunk);
      } catch (error) {
        this.#failure = error;
      }
    });
    this.#inflater.on('error', (error) => {
      this.#failure ??= new EngineError('invalid_argument', `invalid compressed data: ${error.message}`);
    });
  }

  async #feedStarted(bytes: Buffer): Promise<void> {
    const inflater = this.#inflater;
    this.#size += bytes.length;
    if (!inflater) {
      this.#unpacker.feed(bytes);
      return;
    }
    this.#hash.update(bytes);
    if (this.#blobFd >= 0) for (let done = 0; done < bytes.length; ) done += writeSync(this.#blobFd, bytes, done);
    await new Promise<void>((resolve) => {
      inflater.once('close', resolve);
      inflater.write(bytes, () => {
        inflater.off('close', resolve);
        resolve();
      });
    });
    if (this.#failure !== undefined) throw this.#failure;
  }

  async end(): Promise<void> {
    if (!this.#started) {
      const start = Buffer.concat(this.#start);
      this.#begin(start);
      await this.#feedStarted(start);
    }
    if (this.#inflater) {
      this.#inflater.end();
      await finished(this.#inflater).catch(() => {});
      if (this.#failure !== undefined) throw this.#failure;
    }
    const layer = this.#unpacker.end();
    const digest = this.#inflater ? `sha256:${this.#hash.digest('hex')}` : layer.diffId;
    if (this.#blobFd >= 0) {
      fsyncSync(this.#blobFd);
      closeSync(this.#blobFd);
      this.#blobFd = -1;
    }
    send({ kind: 'applied', layer: { ...layer, blob: { digest, size: this.#size, compression: this.#compression } } });
  }

  abort(): void {
    this.#inflater?.destroy();
    if (this.#blobFd >= 0) closeSync(this.#blobFd);
    this.#unpacker.abort();
  }
}

class Delivery {
  readonly #chunks: Generator<Buffer>;
  readonly #diffId: string | undefined;
  readonly #hash = createHash('sha256');

  constructor(chunks: Generator<Buffer>, diffId: string | undefined) {
    this.#chunks = chunks;
    this.#diffId = diffId;
  }

  /** Sends one chunk, or the end. True when there is nothing more. */
  step(): boolean {
    const next = this.#chunks.next();
    if (next.done) {
      const digest = `sha256:${this.#hash.digest('hex')}`;
      if (this.#diffId !== undefined && this.#diffId !== digest) {
        throw new EngineError('data_loss', `layer content is damaged: expected ${this.#diffId}, got ${digest}`);
      }
      send({ kind: 'sent' });
      return true;
    }
    this.#hash.update(next.value);
    const whole = next.value.byteOffset === 0 && next.value.byteLength === next.value.buffer.byteLength;
    const bytes = whole ? next.value : Buffer.from(new Uint8Array(next.value).buffer);
    send({ kind: 'chunk', bytes }, [bytes.buffer as ArrayBuffer]);
    return false;
  }

  abort(): void {
    this.#chunks.return(undefined);
  }
}
