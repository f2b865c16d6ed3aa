/** So many may work at once; who comes later waits. The number is asked for each time: it may be reloaded. */
export class Slots {
  readonly #limit: () => number;
  readonly #waiting: (() => void)[] = [];
  #taken = 0;

  constructor(limit: () => number) {
    this.#limit = limit;
  }

  /** Resolves with a slot, to be disposed of; rejects when `signal` aborts first. */
  async take(signal: AbortSignal): Promise<Disposable> {
    signal.throwIfAborted();
    if (this.#taken >= this.#limit()) await this.#turn(signal);
    this.#taken++;
    return {
      [Symbol.dispose]: () => {
        this.#taken--;
        this.#waiting.shift()?.();
      },
    };
  }

  #turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = () => {
        this.#waiting.splice(this.#waiting.indexOf(proceed), 1);
        reject(signal.reason);
      };
      const proceed = () => {
        signal.removeEventListener('abort', abort);
        resolve();
      };
      this.#waiting.push(proceed);
      signal.addEventListener('abort', abort, { once: true });
    });
  }
}
