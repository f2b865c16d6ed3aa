import { EngineError } from '@wharf/base/error';

export interface Awaiting {
  /** How long something that is not there is waited for. */
  readonly milliseconds: number;
  /** What is said where it does not come. */
  readonly missing: string;
  readonly signal?: AbortSignal;
}

interface Waiter<T> {
  readonly found: (value: T) => void;
  readonly leave: (error: unknown) => void;
}

/** What one stream of a client brings and another one asks for, in either order, by its id. */
export class Arrivals<T> {
  readonly #here = new Map<string, T>();
  readonly #waiting = new Map<string, Set<Waiter<T>>>();

  has(id: string): boolean {
    return this.#here.has(id);
  }

  put(id: string, value: T): void {
    this.#here.set(id, value);
    for (const { found } of this.#waiting.get(id) ?? []) found(value);
  }

  /** Who waits for it waits for nothing: it has gone or will not come. */
  remove(id: string): void {
    this.#here.delete(id);
    for (const { leave } of this.#waiting.get(id) ?? []) leave(undefined);
  }

  /** Throws not_found where it is not here in time. */
  async get(id: string, { milliseconds, missing, signal }: Awaiting): Promise<T> {
    const here = this.#here.get(id);
    if (here !== undefined) return here;
    signal?.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const waiter = {
      found: resolve,
      leave: (reason: unknown) => reject(reason ?? new EngineError('not_found', missing)),
    };
    const waiting = this.#waiting.get(id) ?? new Set();
    this.#waiting.set(id, waiting.add(waiter));
    const timer = setTimeout(() => waiter.leave(undefined), milliseconds);
    const abort = () => waiter.leave(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      waiting.delete(waiter);
      if (waiting.size === 0) this.#waiting.delete(id);
    }
  }
}
