import { Worker } from 'node:worker_threads';
import { SystemError } from '@wharf/sys/errno';
import type { RemovalAnswer, RemovalRequest } from './link-removal-worker.ts';

const idleMilliseconds = 2000;

/**
 * Deletes links on a thread of its own: the kernel keeps the caller waiting for up to 40 ms until nobody uses the
 * link any more. The thread ends when it has nothing to do.
 */
export class LinkRemover {
  #worker: Worker | undefined;
  #idle: NodeJS.Timeout | undefined;
  #next = 0;
  readonly #later = new Map<string, Promise<unknown>>();
  readonly #waiting = new Map<number, PromiseWithResolvers<void>>();

  /** By index, in the network namespace of a descriptor or in the host's. A link that is gone is no error. */
  async remove(index: number, namespace?: number): Promise<void> {
    clearTimeout(this.#idle);
    this.#worker ??= this.#start();
    const id = this.#next++;
    const outcome = Promise.withResolvers<void>();
    this.#waiting.set(id, outcome);
    const request: RemovalRequest = namespace === undefined ? { id, index } : { id, index, namespace };
    this.#worker.postMessage(request);
    await outcome.promise;
  }

  /**
   * As `remove`, for a link of the host that nobody can see any more: it has lost its addresses and routes already.
   * `settled` waits for it.
   */
  removeLater(name: string, index: number, onFailure: (error: unknown) => void): void {
    const removal = this.remove(index).catch(onFailure);
    this.#later.set(name, removal);
    void removal.then(() => this.#later.get(name) === removal && this.#later.delete(name));
  }

  /** Resolves when no link of this name is on its way out. */
  async settled(name: string): Promise<void> {
    await this.#later.get(name);
  }

  async close(): Promise<void> {
    await Promise.all(this.#later.values());
    clearTimeout(this.#idle);
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }

  #start(): Worker {
    const worker = new Worker(new URL('./link-removal-worker.ts', import.meta.url));
    worker.on('message', ({ id, errno }: RemovalAnswer) => {
      const outcome = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (errno === undefined) outcome?.resolve();
      else outcome?.reject(new SystemError('delete a link', errno));
      if (this.#waiting.size === 0) this.#idle = setTimeout(() => void this.close(), idleMilliseconds).unref();
    });
    worker.on('error', (error) => {
      for (const { reject } of this.#waiting.values()) reject(error);
      this.#waiting.clear();
      this.#worker = undefined;
    });
    return worker;
  }
}
