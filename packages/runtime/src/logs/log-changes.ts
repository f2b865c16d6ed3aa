import { basename, dirname } from 'node:path';
import { watchDirectory } from '@wharf/sys/directory-watch';

/** Milliseconds: a look now and then where the kernel does not tell. */
const longestWait = 1000;

/** Tells when a log has grown or was rotated, and when it will not any more. */
export class LogChanges implements Disposable {
  readonly #watch: Disposable | undefined;
  readonly #timer: NodeJS.Timeout;
  #over = false;
  #changed = true;
  #wake: (() => void) | undefined;

  constructor(path: string, ended: Promise<unknown> | undefined, stop: AbortSignal) {
    const name = basename(path);
    try {
      this.#watch = watchDirectory(dirname(path), (changed) => {
        if (changed === undefined || changed === name) this.#notify();
      });
    } catch {
      // A container that was never started may have no directory for its log. Else the timer has to do.
    }
    this.#timer = setInterval(() => this.#notify(), longestWait);
    const finish = () => {
      this.#over = true;
      this.#notify();
    };
    ended?.then(finish, finish);
    stop.addEventListener('abort', finish, { once: true });
    if (stop.aborted) finish();
  }

  /** No more will be written than there is. */
  get over(): boolean {
    return this.#over;
  }

  /** Resolves when something may have changed since the last call. */
  async next(): Promise<void> {
    if (!this.#changed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#changed = false;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#watch?.[Symbol.dispose]();
  }

  #notify(): void {
    this.#changed = true;
    this.#wake?.();
    this.#wake = undefined;
  }
}
