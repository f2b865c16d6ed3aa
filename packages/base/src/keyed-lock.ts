/** One queue a key: operations on the same object run one after another, others do not wait for them. */
export class KeyedLock {
  readonly #tails = new Map<string, Promise<void>>();

  async run<T>(key: string, body: () => Promise<T>): Promise<T> {
    const release = await this.acquire(key);
    try {
      return await body();
    } finally {
      release();
    }
  }

  /** Resolves with the function that gives the lock back. */
  async acquire(key: string): Promise<() => void> {
    const before = this.#tails.get(key);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#tails.set(key, promise);
    if (before) await before;
    return () => {
      if (this.#tails.get(key) === promise) this.#tails.delete(key);
      resolve();
    };
  }

  isHeld(key: string): boolean {
    return this.#tails.has(key);
  }
}
