export interface WorkContext<P> {
  /** Aborts when nobody wants the work any more. */
  readonly signal: AbortSignal;
  readonly progress: (state: P) => void;
}

export interface Share<P> {
  /** Leaves the work; it goes on for others. */
  readonly signal: AbortSignal;
  readonly onProgress: (state: P) => void;
}

interface Running<T, P> {
  readonly outcome: Promise<T>;
  readonly abort: AbortController;
  readonly shares: Set<Share<P>>;
  latest: P | undefined;
}

/**
 * Work that several want at once is done once. Each sees its progress, from what is known when it joins; the work is
 * called off when the last one leaves.
 */
export class SharedWork<T, P> {
  readonly #running = new Map<string, Running<T, P>>();

  /** `joined`: somebody else had begun it, with that one's means. */
  run(
    key: string,
    share: Share<P>,
    start: (context: WorkContext<P>) => Promise<T>,
  ): { outcome: Promise<T>; joined: boolean } {
    const known = this.#running.get(key);
    const joined = known !== undefined && !known.abort.signal.aborted;
    // What was called off may still have something open.
    const running = joined ? known : this.#start(key, start, known?.outcome);
    running.shares.add(share);
    if (running.latest !== undefined) share.onProgress(running.latest);
    return { outcome: this.#follow(running, share), joined };
  }

  #start(
    key: string,
    start: (context: WorkContext<P>) => Promise<T>,
    before: Promise<unknown> = Promise.resolve(),
  ): Running<T, P> {
    const abort = new AbortController();
    const shares = new Set<Share<P>>();
    const progress = (state: P) => {
      running.latest = state;
      for (const { onProgress } of shares) onProgress(state);
    };
    // Begins a turn later, when the one who wants it has joined.
    const outcome = before
      .catch(() => undefined)
      .then(() => {
        abort.signal.throwIfAborted();
        return start({ signal: abort.signal, progress });
      });
    const running: Running<T, P> = { outcome, abort, shares, latest: undefined };
    this.#running.set(key, running);
    const forget = () => {
      if (this.#running.get(key) === running) this.#running.delete(key);
    };
    outcome.then(forget, forget);
    return running;
  }

  async #follow(running: Running<T, P>, share: Share<P>): Promise<T> {
    const { promise: left, reject } = Promise.withResolvers<never>();
    left.catch(() => undefined);
    const leave = () => {
      const { reason } = share.signal;
      running.shares.delete(share);
      if (running.shares.size > 0) {
        reject(reason);
        return;
      }
      running.abort.abort(reason);
      // What it has open is closed before anybody is told.
      running.outcome.then(
        () => reject(reason),
        () => reject(reason),
      );
    };
    if (share.signal.aborted) leave();
    share.signal.addEventListener('abort', leave, { once: true });
    try {
      return await Promise.race([running.outcome, left]);
    } catch (error) {
      throw share.signal.aborted ? share.signal.reason : error;
    } finally {
      share.signal.removeEventListener('abort', leave);
      running.shares.delete(share);
    }
  }
}
