import type { BuildEvent } from '../solver/progress.ts';

/** What has happened in a build, for whoever looks, from the beginning on. */
export class ProgressLog {
  readonly #events: BuildEvent[] = [];
  readonly #woken = new Set<() => void>();
  #ended = false;

  get isEnded(): boolean {
    return this.#ended;
  }

  add(event: BuildEvent): void {
    this.#events.push(event);
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** What has come after so many. */
  since(count: number): readonly BuildEvent[] {
    return this.#events.slice(count);
  }

  /** Several at once where several are there. */
  async *follow(signal: AbortSignal): AsyncGenerator<readonly BuildEvent[], void, undefined> {
    const wake = () => this.#wake();
    signal.addEventListener('abort', wake, { once: true });
    try {
      for (let next = 0; !signal.aborted; ) {
        if (next < this.#events.length) {
          const batch = this.#events.slice(next);
          next = this.#events.length;
          yield batch;
        } else if (this.#ended) {
          return;
        } else {
          await new Promise<void>((resolve) => this.#woken.add(resolve));
        }
      }
    } finally {
      signal.removeEventListener('abort', wake);
    }
  }

  #wake(): void {
    for (const wake of this.#woken) wake();
    this.#woken.clear();
  }
}
