/** What is to be sent, from several writers to one reader: a writer waits where the reader is behind. */
export class Outbox<T> {
  readonly #items: T[] = [];
  readonly #most: number;
  #closed = false;
  #failure: { readonly error: unknown } | undefined;
  #wakeReader: (() => void) | undefined;
  #wakeWriters: (() => void)[] = [];

  constructor(most = 64) {
    this.#most = most;
  }

  async put(item: T): Promise<void> {
    while (this.#items.length >= this.#most && !this.#closed) {
      await new Promise<void>((resolve) => this.#wakeWriters.push(resolve));
    }
    if (this.#closed) return;
    this.#items.push(item);
    this.#wake();
  }

  /** Nothing comes any more; what is here is still read. */
  close(): void {
    this.#closed = true;
    this.#wake();
    this.#release();
  }

  fail(error: unknown): void {
    this.#failure ??= { error };
    this.close();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    try {
      for (;;) {
        const item = this.#items.shift();
        if (item !== undefined) {
          this.#release();
          yield item;
        } else if (this.#failure) throw this.#failure.error;
        else if (this.#closed) return;
        else {
          await new Promise<void>((resolve) => {
            this.#wakeReader = resolve;
          });
        }
      }
    } finally {
      this.close();
    }
  }

  #wake(): void {
    this.#wakeReader?.();
    this.#wakeReader = undefined;
  }

  #release(): void {
    for (const wake of this.#wakeWriters.splice(0)) wake();
  }
}
