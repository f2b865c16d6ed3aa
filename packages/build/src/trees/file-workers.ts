import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { EngineError } from '@wharf/base/error';
import type { FileAnswer, FileJobName, FileJobs } from './file-job.ts';

/** A worker is 10 MB of memory that an idle daemon should not hold. */
const idleMilliseconds = 5_000;
const minimum = 4;

/** Threads that read and change trees of files; started when needed, gone when idle. */
export class FileWorkers {
  readonly #limit = Math.max(minimum, availableParallelism());
  readonly #idle: Worker[] = [];
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  /** Rejects with EngineError; with `canceled` once the signal is aborted, and then nothing of the job goes on. */
  async run<Name extends FileJobName>(
    name: Name,
    request: FileJobs[Name]['request'],
    signal?: AbortSignal,
  ): Promise<FileJobs[Name]['answer']> {
    while (this.#running >= this.#limit) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    signal?.throwIfAborted();
    if (this.#closed) throw new EngineError('canceled', 'the builder is closed');
    this.#running++;
    clearTimeout(this.#timer);
    const worker = this.#idle.pop() ?? new Worker(new URL('./file-worker.ts', import.meta.url));
    worker.ref();
    let usable = false;
    try {
      const answer = await ask(worker, { name, request }, signal);
      usable = true;
      if (answer.ok) return answer.answer as FileJobs[Name]['answer'];
      throw new EngineError(answer.code, answer.message);
    } finally {
      this.#running--;
      this.#waiting.shift()?.();
      if (usable && !this.#closed) this.#keep(worker);
      else void worker.terminate();
    }
  }

  /** Starts a thread, so that the first job does not wait for it. */
  warm(): void {
    if (this.#idle.length > 0 || this.#running > 0 || this.#closed) return;
    this.#keep(new Worker(new URL('./file-worker.ts', import.meta.url)));
  }

  #keep(worker: Worker): void {
    worker.unref();
    this.#idle.push(worker);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      for (const idle of this.#idle.splice(0)) void idle.terminate();
    }, idleMilliseconds);
    this.#timer.unref();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await Promise.all(this.#idle.splice(0).map((worker) => worker.terminate()));
  }
}

function ask(worker: Worker, message: object, signal: AbortSignal | undefined): Promise<FileAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<FileAnswer>();
  const fail = (error: Error) => reject(new EngineError('internal', `file worker failed: ${error.message}`));
  const exit = (code: number) => fail(new Error(`it ended with code ${code}`));
  // The thread ends wherever it is: its mounts go with it, and its directory is the caller's to remove.
  const abort = () => {
    worker.off('exit', exit);
    void worker.terminate().then(() => reject(new EngineError('canceled', 'context canceled')));
  };
  worker.once('message', resolve);
  worker.once('error', fail);
  worker.once('exit', exit);
  signal?.addEventListener('abort', abort, { once: true });
  worker.postMessage(message);
  return promise.finally(() => {
    worker.off('message', resolve);
    worker.off('error', fail);
    worker.off('exit', exit);
    signal?.removeEventListener('abort', abort);
  });
}
