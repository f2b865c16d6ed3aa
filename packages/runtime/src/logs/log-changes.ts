import { existsSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';

/** Milliseconds: a look now and then, should the kernel's queue of events ever overflow. */
const longestWait = 1000;

/** Tells when a log has grown or was rotated, and when it will not any more. */
export class LogChanges implements Disposable {
  readonly #watcher: ReturnType<typeof watch> | undefined;
  readonly #timer: NodeJS.Timeout;
  #over = false;
  #changed = true;
  #wake: (() => void) | undefined;

  constructor(path: string, ended: Promise<unknown> | undefined, stop: AbortSignal) {
    const name = basename(path);
    // A container that was never started may have no directory for its log.
    if (existsSync(dirname(path))) {
      this.#watcher = watch(dirname(path), (_, changed) => {
        if (changed === null || changed === name) this.#notify();
      });
      this.#watcher.on('error', () => {});
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
    this.#watcher?.close();
  }

  #notify(): void {
    this.#changed = true;
    this.#wake?.();
    this.#wake = undefined;
  }
}
