import type { Duplex } from 'node:stream';
import { finished } from 'node:stream/promises';
import { parentPort } from 'node:worker_threads';
import { EngineError, notFound } from '@wharf/base/error';
import { detectCompression } from '@wharf/oci/layer/compression';
import { hasErrno } from '@wharf/sys/errno';
import { createDecompressor } from '../decompressor.ts';
import { archiveChunks } from './archive-chunks.ts';
import { ArchiveSender } from './archive-sender.ts';
import { statPath } from './path-stat.ts';
import { type ArchivePiece, archivePath, archiveRoot } from './read-tree.ts';
import { treeChanges } from './tree-changes.ts';
import type { TreeAnswer, TreeRequest } from './tree-job.ts';
import { type OpenTree, openTree } from './tree-source.ts';
import { TreeWriter, type WriteOptions } from './write-tree.ts';

/** The worker's side: a thread of its own, so that it may have mounts of its own and may wait for the disk. */

const port = parentPort!;
const send = (answer: TreeAnswer, transfer: ArrayBuffer[] = []) => port.postMessage(answer, transfer);

let tree: OpenTree | undefined;
let reading: Generator<Buffer> | undefined;
let sender: ArchiveSender | undefined;
let unpacking: Unpacking | undefined;

/** Requests take turns: inflating a chunk may not be done when the next one arrives. */
let turn = Promise.resolve();

port.on('message', (request: TreeRequest) => {
  // What is being sent may wait for its reader, and nobody wants it any more.
  if (request.kind === 'cancel') sender?.cancel();
  turn = turn
    .then(() => handle(request))
    .catch((error: unknown) => {
      stop();
      const { code, message } = translate(error);
      send({ kind: 'failed', code, message });
    });
});

async function handle(request: TreeRequest): Promise<void> {
  switch (request.kind) {
    case 'open':
      tree = openTree(request.source);
      send({ kind: 'done' });
      return;
    case 'stat':
      send({ kind: 'stat', stat: statPath(tree!.root, request.path) });
      return;
    case 'read':
      reading = archiveChunks(archive(request.path));
      return;
    case 'send':
      sender = new ArchiveSender(request.socket, request);
      await sender.send(archive(request.path));
      sender = undefined;
      send({ kind: 'sent' });
      return;
    case 'cancel':
      return;
    case 'more':
      sendMore();
      return;
    case 'write':
      unpacking = new Unpacking(tree!, request.path, request.options);
      send({ kind: 'done' });
      return;
    case 'chunk': {
      const bytes = Buffer.from(request.bytes.buffer, request.bytes.byteOffset, request.bytes.byteLength);
      await unpacking?.feed(bytes);
      send({ kind: 'taken', length: bytes.length });
      return;
    }
    case 'end':
      await unpacking?.end();
      unpacking = undefined;
      send({ kind: 'done' });
      return;
    case 'changes':
      send({ kind: 'changes', changes: treeChanges(request.upper, request.lowers) });
      return;
    case 'close':
      stop();
      tree?.[Symbol.dispose]();
      tree = undefined;
      send({ kind: 'closed' });
  }
}

function archive(path: string): Generator<ArchivePiece> {
  return path === '' ? archiveRoot(tree!) : archivePath(tree!, path);
}

function stop(): void {
  sender = undefined;
  reading?.return(undefined);
  reading = undefined;
  unpacking?.close();
  unpacking = undefined;
}

/** Requests for more may outrun the end: those find nothing. */
function sendMore(): void {
  const next = reading?.next();
  if (!next) return;
  if (next.done) {
    reading = undefined;
    send({ kind: 'sent' });
    return;
  }
  const whole = next.value.byteOffset === 0 && next.value.byteLength === next.value.buffer.byteLength;
  const bytes = whole ? next.value : Buffer.from(new Uint8Array(next.value).buffer);
  send({ kind: 'chunk', bytes }, [bytes.buffer as ArrayBuffer]);
}

function translate(error: unknown): EngineError {
  if (hasErrno(error, 'ENOENT') || hasErrno(error, 'ENOTDIR') || hasErrno(error, 'ESRCH')) {
    return notFound((error as Error).message, { cause: error });
  }
  if (hasErrno(error, 'EROFS')) return new EngineError('permission_denied', (error as Error).message, { cause: error });
  return EngineError.from(error);
}

/** An archive on its way into the tree, inflated where it is compressed. */
class Unpacking {
  readonly #writer: TreeWriter;
  #start: Buffer | undefined = Buffer.alloc(0);
  #inflater: Duplex | undefined;
  #failure: unknown;

  constructor(into: OpenTree, path: string, options: WriteOptions) {
    this.#writer = new TreeWriter(into, path, options);
  }

  async feed(bytes: Buffer): Promise<void> {
    if (!this.#start) return this.#feedStarted(bytes);
    const start = Buffer.concat([this.#start, bytes]);
    this.#start = start;
    if (start.length < 6) return;
    return this.#begin(start);
  }

  async #begin(start: Buffer): Promise<void> {
    this.#start = undefined;
    const compression = detectCompression(start);
    if (compression !== 'none') {
      this.#inflater = createDecompressor(compression);
      this.#inflater.on('data', (chunk: Buffer) => {
        try {
          if (this.#failure === undefined) this.#writer.feed(chunk);
        } catch (error) {
          this.#failure = error;
        }
      });
      this.#inflater.on('error', (error) => {
        this.#failure ??= new EngineError('invalid_argument', `invalid compressed data: ${error.message}`);
      });
    }
    return this.#feedStarted(start);
  }

  async #feedStarted(bytes: Buffer): Promise<void> {
    const inflater = this.#inflater;
    if (!inflater) return this.#writer.feed(bytes);
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
    if (this.#start?.length) await this.#begin(this.#start);
    if (this.#inflater) {
      this.#inflater.end();
      await finished(this.#inflater).catch(() => {});
      if (this.#failure !== undefined) throw this.#failure;
    }
    this.#writer.end();
  }

  close(): void {
    this.#inflater?.destroy();
    this.#writer.close();
  }
}
