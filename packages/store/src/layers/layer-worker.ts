import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { EngineError } from '@wharf/base/error';
import { syncFileSystem } from '@wharf/sys/file';
import { copyLayer } from './copy-layer.ts';
import { gzipMembers } from './gzip-members.ts';
import { IncomingLayer } from './incoming-layer.ts';
import { assembleLayer } from './layer-assembler.ts';
import type { LayerAnswer, LayerRequest } from './layer-job.ts';
import { sealLayer } from './seal-layer.ts';

/** The worker's side: hashing, inflating, unpacking and packing, off the daemon's main thread. */

const port = parentPort!;
const send = (answer: LayerAnswer, transfer: ArrayBuffer[] = []) => port.postMessage(answer, transfer);

let application: IncomingLayer | undefined;
let file: GrowingFile | undefined;
let delivery: Delivery | undefined;

/** Requests take turns: inflating a chunk may not be done when the next one arrives. */
let turn = Promise.resolve();

port.on('message', (request: LayerRequest) => {
  // What is being read may be long, and nobody wants it any more.
  if (request.kind === 'abort') file?.stop();
  turn = turn
    .then(() => handle(request))
    .catch((error: unknown) => {
      application?.abort();
      application = undefined;
      file?.close();
      file = undefined;
      delivery = undefined;
      const { code, message } = EngineError.from(error);
      send({ kind: 'failed', code, message });
    });
});

async function handle(request: LayerRequest): Promise<void> {
  switch (request.kind) {
    case 'apply':
      application = new IncomingLayer(request);
      if (request.blob.keep === 'file') file = new GrowingFile(request.blob.path);
      return;
    case 'grown':
      if (application) await file?.readTo(request.length, application);
      return;
    case 'chunk': {
      const bytes = Buffer.from(request.bytes.buffer, request.bytes.byteOffset, request.bytes.byteLength);
      await application?.feed(bytes);
      send({ kind: 'taken', length: bytes.length });
      return;
    }
    case 'end':
      file?.close();
      file = undefined;
      if (application) send({ kind: 'applied', layer: await application.end() });
      application = undefined;
      return;
    case 'assemble':
      delivery = new Delivery(assembleLayer(request.parts), request.diffId, request.gzip ? gzipMembers : undefined);
      return;
    case 'copy':
      send({ kind: 'sealed', layer: copyLayer(request) });
      return;
    case 'seal':
      send({ kind: 'sealed', layer: sealLayer(request) });
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
      file?.close();
      file = undefined;
      delivery?.abort();
      delivery = undefined;
      send({ kind: 'aborted' });
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

const readSize = 1 << 20;

/** A blob that is still being fetched, read as far as it is whole. */
class GrowingFile {
  readonly #fd: number;
  /** Used again for each piece: nothing that is unpacked from a file is kept in memory. */
  readonly #buffer = Buffer.allocUnsafeSlow(readSize);
  #offset = 0;
  #stopped = false;

  constructor(path: string) {
    this.#fd = openSync(path, 'r');
  }

  async readTo(length: number, layer: IncomingLayer): Promise<void> {
    while (this.#offset < length && !this.#stopped) {
      const wanted = Math.min(readSize, length - this.#offset);
      const count = readSync(this.#fd, this.#buffer, 0, wanted, this.#offset);
      if (count === 0) throw new EngineError('data_loss', 'the fetched blob is cut short on disk');
      this.#offset += count;
      await layer.feed(this.#buffer.subarray(0, count));
      send({ kind: 'taken', length: this.#offset });
    }
  }

  stop(): void {
    this.#stopped = true;
  }

  close(): void {
    closeSync(this.#fd);
  }
}

class Delivery {
  readonly #chunks: Generator<Buffer>;
  readonly #diffId: string;
  readonly #hash = createHash('sha256');

  /** `pack` stands between the chunks, which the diffId is of, and what is sent. */
  constructor(chunks: Generator<Buffer>, diffId: string, pack?: (chunks: Iterable<Buffer>) => Generator<Buffer>) {
    const hashed = this.#hashed(chunks);
    this.#chunks = pack ? pack(hashed) : hashed;
    this.#diffId = diffId;
  }

  *#hashed(chunks: Generator<Buffer>): Generator<Buffer> {
    for (const chunk of chunks) {
      this.#hash.update(chunk);
      yield chunk;
    }
  }

  /** Sends one chunk, or the end. True when there is nothing more. */
  step(): boolean {
    const next = this.#chunks.next();
    if (next.done) {
      const digest = `sha256:${this.#hash.digest('hex')}`;
      if (this.#diffId !== digest) {
        throw new EngineError('data_loss', `layer content is damaged: expected ${this.#diffId}, got ${digest}`);
      }
      send({ kind: 'sent' });
      return true;
    }
    const whole = next.value.byteOffset === 0 && next.value.byteLength === next.value.buffer.byteLength;
    const bytes = whole ? next.value : Buffer.from(new Uint8Array(next.value).buffer);
    send({ kind: 'chunk', bytes }, [bytes.buffer as ArrayBuffer]);
    return false;
  }

  abort(): void {
    this.#chunks.return(undefined);
  }
}
