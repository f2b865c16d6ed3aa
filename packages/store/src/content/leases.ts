import type { Digest } from '@wharf/oci/digest';

/** Keeps content and layers from being collected until it is disposed of. */
export interface Lease extends Disposable {
  /** Digests of blobs, diffIds of layers. */
  protect(digests: Iterable<Digest>): void;
}

/**
 * Holds off the garbage collector: what is being fetched, loaded or built is referred to by nothing yet. Whatever
 * becomes visible while a lease is open belongs to it. Leases live in memory: a daemon that dies leaves no work
 * under way, and what a pull had finished is kept by its record.
 */
export class Leases {
  readonly #open = new Set<Set<Digest>>();
  #onClosed: (() => void) | undefined;

  open(): Lease {
    const held = new Set<Digest>();
    this.#open.add(held);
    return {
      protect: (digests) => {
        for (const digest of digests) held.add(digest);
      },
      [Symbol.dispose]: () => {
        if (!this.#open.delete(held)) return;
        const run = this.#onClosed;
        this.#onClosed = undefined;
        run?.();
      },
    };
  }

  /** Became visible, or is being made use of. */
  note(digest: Digest): void {
    for (const held of this.#open) held.add(digest);
  }

  /** All that open leases hold. */
  *held(): Generator<Digest> {
    for (const held of this.#open) yield* held;
  }

  /** Runs when the next lease closes, if one is open: what it held may be nobody's by then. */
  whenClosed(run: () => void): void {
    if (this.#open.size > 0) this.#onClosed = run;
  }
}
