/**
 * Holds off the garbage collector: what is being loaded or built is referred to by nothing yet. They live in memory
 * only, since a daemon that dies leaves no work under way.
 */
export class Leases {
  #open = 0;
  readonly #waiting: (() => void)[] = [];

  /** Until disposed of, nothing is collected. */
  open(): Disposable {
    this.#open++;
    let closed = false;
    return {
      [Symbol.dispose]: () => {
        if (closed) return;
        closed = true;
        this.#open--;
        if (this.#open === 0) for (const run of this.#waiting.splice(0)) run();
      },
    };
  }

  get held(): boolean {
    return this.#open > 0;
  }

  /** Runs at once, or when the last lease is closed. */
  whenFree(run: () => void): void {
    if (this.held) this.#waiting.push(run);
    else run();
  }
}
