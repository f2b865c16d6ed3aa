import { Readable } from 'node:stream';
import { Worker } from 'node:worker_threads';
import { EngineError } from '@wharf/base/error';
import type { PathStat } from './path-stat.ts';
import type { FileChange } from './tree-changes.ts';
import type { TreeAnswer, TreeRequest } from './tree-job.ts';
import type { TreeSource } from './tree-source.ts';
import type { WriteOptions } from './write-tree.ts';

const chunkSize = 1 << 20;
/** Chunks on their way from a worker: it reads the next one while the client takes this one. */
const chunksAhead = 4;
/** Bytes on their way to a worker. */
const window = 8 << 20;
/** Trees that are open at once; more wait. */
const limit = 32;
/** A worker is 10 MB of memory that an idle daemon should not hold; one that has just copied has its code compiled. */
const idleMilliseconds = 60_000;

/** Containers' files, for copies in and out. Each open tree has a thread; one is kept for the next for a while. */
export class ContainerTrees {
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  #idle: Worker | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** Throws not_found where the container's process is gone. To be closed. */
  async open(source: TreeSource): Promise<ContainerTree> {
    const port = new TreePort(await this.#take());
    const tree = new ContainerTree(port, (worker) => this.#keep(worker));
    try {
      await port.ask({ kind: 'open', source });
      return tree;
    } catch (error) {
      await tree.close();
      throw error;
    }
  }

  /** What the upper directory of an overlay changes of the lower ones, top to bottom. */
  async changes(upper: string, lowers: readonly string[]): Promise<readonly FileChange[]> {
    const port = new TreePort(await this.#take());
    try {
      const answer = await port.ask({ kind: 'changes', upper, lowers });
      return answer.kind === 'changes' ? answer.changes : [];
    } finally {
      this.#keep(port.release());
    }
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    const worker = this.#idle;
    this.#idle = undefined;
    await worker?.terminate();
  }

  async #take(): Promise<Worker> {
    if (this.#running >= limit) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#running++;
    clearTimeout(this.#timer);
    const worker = this.#idle ?? new Worker(new URL('./tree-worker.ts', import.meta.url));
    this.#idle = undefined;
    worker.ref();
    return worker;
  }

  /** Undefined for one that has died. */
  #keep(worker: Worker | undefined): void {
    this.#running--;
    this.#waiting.shift()?.();
    if (!worker) return;
    if (this.#idle) {
      void worker.terminate();
      return;
    }
    worker.unref();
    this.#idle = worker;
    this.#timer = setTimeout(() => void this.close(), idleMilliseconds);
    this.#timer.unref();
  }
}

export interface SendOptions {
  /** Framed as HTTP's chunks, without the last one. */
  readonly chunked: boolean;
  readonly signal: AbortSignal;
}

/** One container's files, as long as it is open. One thing at a time. */
export class ContainerTree {
  readonly #port: TreePort;
  readonly #release: (worker: Worker | undefined) => void;

  constructor(port: TreePort, release: (worker: Worker | undefined) => void) {
    this.#port = port;
    this.#release = release;
  }

  /** Throws not_found. */
  async stat(path: string): Promise<PathStat> {
    const answer = await this.#port.ask({ kind: 'stat', path });
    if (answer.kind !== 'stat') throw new Error(`unexpected answer ${answer.kind}`);
    return answer.stat;
  }

  /** The tar of a path; '' is all of the tree, as an image's root file system. Closes the tree at its end. */
  read(path: string): Readable {
    return Readable.from(this.#chunks(path), { objectMode: false, highWaterMark: chunkSize });
  }

  /** As `read`, written to a socket. Resolves when the kernel has all of it. Closes the tree. */
  async send(path: string, socket: number, { chunked, signal }: SendOptions): Promise<void> {
    const cancel = () => this.#port.tell({ kind: 'cancel' });
    signal.addEventListener('abort', cancel, { once: true });
    try {
      signal.throwIfAborted();
      await this.#port.ask({ kind: 'send', path, socket, chunked });
    } finally {
      signal.removeEventListener('abort', cancel);
      await this.close();
    }
  }

  /** Unpacks an archive below a directory; takes the memory of its chunks away. Throws not_found, invalid_argument, permission_denied. */
  async write(path: string, archive: Readable, options: WriteOptions): Promise<void> {
    const port = this.#port;
    await port.ask({ kind: 'write', path, options });
    let onTheWay = 0;
    const settle = async (limit: number) => {
      while (onTheWay > limit) {
        const answer = await port.next();
        if (answer.kind === 'taken') onTheWay -= answer.length;
      }
    };
    for await (const chunk of archive) {
      const bytes = ownBytes(chunk as Buffer);
      onTheWay += bytes.length;
      port.tell({ kind: 'chunk', bytes }, [bytes.buffer as ArrayBuffer]);
      if (onTheWay >= window) await settle(window / 2);
    }
    await settle(0);
    await port.ask({ kind: 'end' });
  }

  /** Idempotent. Whatever is under way ends. */
  async close(): Promise<void> {
    if (this.#port.released) return;
    await this.#port.close();
    this.#release(this.#port.release());
  }

  async *#chunks(path: string): AsyncGenerator<Uint8Array> {
    try {
      this.#port.tell({ kind: 'read', path });
      for (let ahead = 0; ahead < chunksAhead; ahead++) this.#port.tell({ kind: 'more' });
      for (;;) {
        const answer = await this.#port.next();
        if (answer.kind !== 'chunk') return;
        this.#port.tell({ kind: 'more' });
        yield answer.bytes;
      }
    } finally {
      await this.close();
    }
  }
}

/** Bytes whose memory can be given away: a slice of a larger buffer is copied. */
function ownBytes(chunk: Buffer): Uint8Array {
  return chunk.byteLength === chunk.buffer.byteLength ? chunk : new Uint8Array(chunk);
}

/** A worker's messages one by one. A failure is thrown where its answer is waited for. */
class TreePort {
  readonly #worker: Worker;
  readonly #queue: TreeAnswer[] = [];
  #wake: (() => void) | undefined;
  #dead = false;
  released = false;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.on('message', this.#take);
    worker.on('error', this.#die);
  }

  readonly #take = (answer: TreeAnswer) => {
    this.#queue.push(answer);
    this.#wake?.();
  };

  readonly #die = (error: Error) => {
    this.#dead = true;
    this.#take({ kind: 'failed', code: 'internal', message: `tree worker failed: ${error.message}` });
  };

  tell(request: TreeRequest, transfer: ArrayBuffer[] = []): void {
    this.#worker.postMessage(request, transfer);
  }

  ask(request: TreeRequest): Promise<TreeAnswer> {
    this.tell(request);
    return this.next();
  }

  async next(): Promise<TreeAnswer> {
    const answer = await this.#receive();
    if (answer.kind === 'failed') throw new EngineError(answer.code, answer.message);
    return answer;
  }

  /** Resolves when the worker has let go of the tree; what it still sent before is dropped. */
  async close(): Promise<void> {
    if (this.#dead) return;
    this.tell({ kind: 'close' });
    for (;;) {
      const answer = await this.#receive();
      if (this.#dead || answer.kind === 'closed') return;
    }
  }

  /** The worker if it can serve again. */
  release(): Worker | undefined {
    this.released = true;
    this.#worker.off('message', this.#take);
    this.#worker.off('error', this.#die);
    return this.#dead ? undefined : this.#worker;
  }

  async #receive(): Promise<TreeAnswer> {
    while (this.#queue.length === 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
    return this.#queue.shift()!;
  }
}
