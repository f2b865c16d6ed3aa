import { availableParallelism } from 'node:os';
import { Readable } from 'node:stream';
import { Worker } from 'node:worker_threads';
import { EngineError } from '@wharf/base/error';
import type { CopyRequest } from './copy-layer.ts';
import type { AppliedLayer, ApplyRequest, LayerAnswer, LayerParts, LayerRequest } from './layer-job.ts';
import type { UnpackedLayer } from './layer-unpacker.ts';
import type { SealRequest } from './seal-layer.ts';

const processors = availableParallelism();
const chunkSize = 1 << 20;
/** Bytes on their way to one worker. */
const window = 8 << 20;
/** A worker is 5 to 10 MB of memory that an idle daemon should not hold. */
const idleMilliseconds = 5_000;
/** Beyond one for each processor, a worker that becomes free this soon is better than one that starts cold. */
const patienceMilliseconds = 100;
/** One for each processor stays longer: its code is compiled by then, and takes half the time for the next layers. */
const warmMilliseconds = 60_000;

/** Threads that unpack and pack layers; started when needed, at most `limit` at once, gone when idle. */
export class LayerWorkers {
  readonly #limit: number;
  readonly #idle: Worker[] = [];
  readonly #waiting: ((worker: Worker) => void)[] = [];
  #running = 0;
  #idleTimer: NodeJS.Timeout | undefined;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Begins to unpack a layer into an empty directory. Waits for a free worker. */
  async apply(request: ApplyRequest): Promise<LayerApplication> {
    const worker = await this.#acquire();
    return new LayerApplication(worker, { kind: 'apply', ...request }, (ok) => this.#release(worker, ok));
  }

  /** As `apply`, for bytes that are in a file already or will be. */
  async applyFile(request: ApplyRequest, onTaken: (length: number) => void): Promise<FileApplication> {
    const worker = await this.#acquire();
    return new FileApplication(
      worker,
      { kind: 'apply', ...request },
      { release: (ok) => this.#release(worker, ok), onTaken },
    );
  }

  /** The layer's tar. The stream fails with data_loss where the directory no longer makes that diffId. */
  assemble(parts: LayerParts, diffId: string, { gzip = false } = {}): Readable {
    const chunks = this.#chunks({ kind: 'assemble', parts, diffId, gzip });
    return Readable.from(chunks, { objectMode: false, highWaterMark: chunkSize });
  }

  /** Which layer a directory is. Writes its recipe. */
  seal(request: SealRequest): Promise<UnpackedLayer> {
    return this.#layer({ kind: 'seal', ...request });
  }

  /** A layer made of a copy of a directory, which may go on changing. */
  copy(request: CopyRequest): Promise<UnpackedLayer> {
    return this.#layer({ kind: 'copy', ...request });
  }

  async #layer(request: LayerRequest): Promise<UnpackedLayer> {
    const worker = await this.#acquire();
    const answers = new Answers(worker);
    try {
      tell(worker, request);
      const answer = await answers.next();
      if (answer.kind === 'sealed') return answer.layer;
      if (answer.kind === 'failed') throw new EngineError(answer.code, answer.message);
      throw new EngineError('internal', `unexpected ${answer.kind}`);
    } finally {
      answers.detach();
      this.#release(worker, !answers.dead);
    }
  }

  /** Waits until the file system that holds the directory is on disk. */
  async sync(directory: string): Promise<void> {
    for await (const _ of this.#chunks({ kind: 'sync', directory }));
  }

  close(): Promise<void> {
    return this.#keepIdle(0);
  }

  /** Lets go of the ones that have been idle longest. */
  async #keepIdle(count: number): Promise<void> {
    clearTimeout(this.#idleTimer);
    const surplus = this.#idle.splice(0, Math.max(0, this.#idle.length - count));
    if (this.#idle.length > 0) this.#whenIdle(warmMilliseconds, 0);
    await Promise.all(surplus.map((worker) => this.#stop(worker)));
  }

  #whenIdle(milliseconds: number, kept: number): void {
    clearTimeout(this.#idleTimer);
    this.#idleTimer = setTimeout(() => void this.#keepIdle(kept), milliseconds);
    this.#idleTimer.unref();
  }

  async *#chunks(request: LayerRequest): AsyncGenerator<Uint8Array> {
    const worker = await this.#acquire();
    const answers = new Answers(worker);
    let ended = false;
    try {
      tell(worker, request);
      for (;;) {
        tell(worker, { kind: 'more' });
        const answer = await answers.next();
        if (answer.kind === 'chunk') {
          yield answer.bytes;
          continue;
        }
        ended = true;
        if (answer.kind !== 'failed') return;
        throw new EngineError(answer.code, answer.message);
      }
    } finally {
      if (ended) answers.detach();
      else await answers.afterAbort();
      this.#release(worker, !answers.dead);
    }
  }

  #acquire(): Promise<Worker> | Worker {
    clearTimeout(this.#idleTimer);
    const idle = this.#idle.pop();
    if (idle) return idle;
    if (this.#running < processors) return this.#start();
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        if (this.#running >= this.#limit) return;
        this.#waiting.splice(this.#waiting.indexOf(take), 1);
        resolve(this.#start());
      }, patienceMilliseconds);
      const take = (worker: Worker) => {
        clearTimeout(timer);
        resolve(worker);
      };
      this.#waiting.push(take);
    });
  }

  #start(): Worker {
    this.#running++;
    return new Worker(new URL('./layer-worker.ts', import.meta.url));
  }

  #release(worker: Worker, usable: boolean): void {
    if (!usable) {
      void this.#stop(worker);
      const next = this.#waiting.shift();
      if (next) Promise.resolve(this.#acquire()).then(next, () => {});
      return;
    }
    const next = this.#waiting.shift();
    if (next) {
      next(worker);
      return;
    }
    this.#idle.push(worker);
    this.#whenIdle(idleMilliseconds, processors);
  }

  #stop(worker: Worker): Promise<unknown> {
    this.#running--;
    return worker.terminate();
  }
}

/** One layer on its way into its directory. */
export class LayerApplication {
  readonly #worker: Worker;
  readonly #release: (usable: boolean) => void;
  readonly #answers: Answers;
  #chunk = Buffer.allocUnsafeSlow(chunkSize);
  #filled = 0;
  #onTheWay = 0;
  #failure: EngineError | undefined;
  #draining: Promise<void> | undefined;
  #retired: Promise<void> | undefined;

  constructor(worker: Worker, request: LayerRequest, release: (usable: boolean) => void) {
    this.#worker = worker;
    this.#release = release;
    this.#answers = new Answers(worker);
    tell(worker, request);
  }

  /** Copies the bytes. Returns a promise when the caller has to wait before it writes more. */
  write(bytes: Uint8Array): Promise<void> | undefined {
    for (let done = 0; done < bytes.length; ) {
      const count = Math.min(chunkSize - this.#filled, bytes.length - done);
      this.#chunk.set(done === 0 && count === bytes.length ? bytes : bytes.subarray(done, done + count), this.#filled);
      this.#filled += count;
      done += count;
      if (this.#filled === chunkSize) this.#flush();
    }
    if (this.#onTheWay < window && !this.#failure) return undefined;
    // One reader of answers at a time: writes that come meanwhile wait for the same drain.
    this.#draining ??= this.#drain().finally(() => {
      this.#draining = undefined;
    });
    return this.#draining;
  }

  /** All bytes are written: resolves when the layer is whole. */
  async end(): Promise<AppliedLayer> {
    this.#flush();
    tell(this.#worker, { kind: 'end' });
    await this.#draining;
    for (;;) {
      const answer = await this.#next();
      if (answer.kind !== 'applied') continue;
      this.#retired = Promise.resolve();
      this.#answers.detach();
      this.#release(true);
      return answer.layer;
    }
  }

  /** Resolves when the worker has let go of the directory. */
  async abort(): Promise<void> {
    this.#failure ??= new EngineError('canceled', 'the layer was aborted');
    await this.#draining?.catch(() => undefined);
    await this.#retire();
  }

  /** The worker closes what it has open, and answers for the chunks that are on the way, before its next job. */
  #retire(): Promise<void> {
    this.#retired ??= (async () => {
      await this.#answers.afterAbort();
      this.#release(!this.#answers.dead);
    })();
    return this.#retired;
  }

  #flush(): void {
    if (this.#filled === 0 || this.#failure) return;
    const bytes = this.#chunk.subarray(0, this.#filled);
    this.#onTheWay += bytes.length;
    tell(this.#worker, { kind: 'chunk', bytes }, [this.#chunk.buffer as ArrayBuffer]);
    this.#chunk = Buffer.allocUnsafeSlow(chunkSize);
    this.#filled = 0;
  }

  async #drain(): Promise<void> {
    while (this.#onTheWay >= window / 2) await this.#next();
    if (this.#failure) throw this.#failure;
  }

  async #next(): Promise<LayerAnswer> {
    if (this.#failure) throw this.#failure;
    const answer = await this.#answers.next();
    if (answer.kind === 'taken') this.#onTheWay -= answer.length;
    if (answer.kind === 'failed') {
      this.#failure = new EngineError(answer.code, answer.message);
      void this.#retire();
      throw this.#failure;
    }
    return answer;
  }
}

/** One layer on its way from a file that may still grow. */
export class FileApplication {
  readonly #worker: Worker;
  readonly #answers: Answers;
  readonly #release: (usable: boolean) => void;
  readonly #applied: Promise<AppliedLayer>;
  #aborted = false;
  #over = false;

  constructor(
    worker: Worker,
    request: LayerRequest,
    { release, onTaken }: { release: (usable: boolean) => void; onTaken: (length: number) => void },
  ) {
    this.#worker = worker;
    this.#release = release;
    this.#answers = new Answers(worker);
    this.#applied = this.#follow(onTaken);
    this.#applied.catch(() => undefined);
    tell(worker, request);
  }

  /** So many bytes may be read. */
  grown(length: number): void {
    if (!this.#over) tell(this.#worker, { kind: 'grown', length });
  }

  /** All bytes may be read: resolves when the layer is whole. */
  async end(): Promise<AppliedLayer> {
    if (!this.#over) tell(this.#worker, { kind: 'end' });
    return this.#applied;
  }

  /** Settles as soon as the layer is whole or cannot become so. */
  get applied(): Promise<AppliedLayer> {
    return this.#applied;
  }

  /** Resolves when the worker has let go of file and directory. */
  async abort(): Promise<void> {
    if (!this.#over && !this.#aborted) {
      this.#aborted = true;
      if (!this.#answers.dead) tell(this.#worker, { kind: 'abort' });
    }
    await this.#applied.catch(() => undefined);
  }

  async #follow(onTaken: (length: number) => void): Promise<AppliedLayer> {
    let failure: EngineError | undefined;
    for (;;) {
      const answer = await this.#answers.next();
      if (answer.kind === 'taken') onTaken(answer.length);
      else if (answer.kind === 'applied') {
        // An abort that crossed it on the way is answered, too.
        if (this.#aborted) continue;
        this.#finish(true);
        return answer.layer;
      } else if (answer.kind === 'aborted') {
        this.#finish(true);
        throw failure ?? new EngineError('canceled', 'the layer was aborted');
      } else if (answer.kind === 'failed') {
        failure ??= new EngineError(answer.code, answer.message);
        if (this.#answers.dead) {
          this.#finish(false);
          throw failure;
        }
        // What is still on its way is passed over up to the answer to this.
        if (!this.#aborted) tell(this.#worker, { kind: 'abort' });
        this.#aborted = true;
      }
    }
  }

  #finish(usable: boolean): void {
    this.#over = true;
    this.#answers.detach();
    this.#release(usable);
  }
}

function tell(worker: Worker, request: LayerRequest, transfer: ArrayBuffer[] = []): void {
  worker.postMessage(request, transfer);
}

/** A worker's messages one by one. A worker that dies answers `failed`. */
class Answers {
  readonly #worker: Worker;
  readonly #queue: LayerAnswer[] = [];
  #wake: (() => void) | undefined;
  #dead = false;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.on('message', this.#take);
    worker.on('error', this.#die);
    worker.on('exit', this.#exit);
  }

  get dead(): boolean {
    return this.#dead;
  }

  readonly #take = (answer: LayerAnswer) => {
    this.#queue.push(answer);
    this.#wake?.();
  };

  readonly #exit = (code: number) => this.#die(new Error(`it ended with code ${code}`));

  readonly #die = (error: Error) => {
    this.#dead = true;
    this.#take({ kind: 'failed', code: 'internal', message: `layer worker failed: ${error.message}` });
  };

  async next(): Promise<LayerAnswer> {
    while (this.#queue.length === 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
    return this.#queue.shift()!;
  }

  /** Ends the job whatever its state, passing over what is still answered, and detaches. */
  async afterAbort(): Promise<void> {
    if (!this.#dead) tell(this.#worker, { kind: 'abort' });
    while (!this.#dead && (await this.next()).kind !== 'aborted');
    this.detach();
  }

  detach(): void {
    this.#worker.off('message', this.#take);
    this.#worker.off('error', this.#die);
    this.#worker.off('exit', this.#exit);
  }
}
