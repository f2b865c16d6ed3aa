import { releaseMemory } from '@wharf/sys/memory';
import type { Reactor, Timer } from '@wharf/sys/reactor';

/** Milliseconds of quiet after which there is time to tidy up. */
const quietAfter = 1000;
/** Garbage that is not left to pile up even when there is no quiet. */
const limit = 32 * 1024 * 1024;

/**
 * Collects garbage. The runtime's collector does so from timers of the runtime's own loop, which never runs in this
 * process: without this a gigabyte of output leaves a hundred megabytes.
 */
export class Tidier {
  readonly #reactor: Reactor;
  #bytes = 0;
  #quiet: Timer | undefined;
  #active = false;

  constructor(reactor: Reactor) {
    this.#reactor = reactor;
  }

  /** So many bytes of garbage more, roughly. */
  used(bytes: number): void {
    this.#bytes += bytes;
    this.#active = true;
    if (this.#bytes > limit) this.#tidy();
    else this.#quiet ??= this.#reactor.after(quietAfter, () => this.#look());
  }

  #look(): void {
    this.#quiet = undefined;
    if (!this.#active) {
      this.#tidy();
      return;
    }
    this.#active = false;
    this.#quiet = this.#reactor.after(quietAfter, () => this.#look());
  }

  #tidy(): void {
    this.#bytes = 0;
    releaseMemory();
  }
}
