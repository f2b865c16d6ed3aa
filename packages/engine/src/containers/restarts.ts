import type { RestartPolicy } from '@wharf/api/container';

const firstDelay = 100;
const longestDelay = 60_000;
/** A run of this long was a success: the next delay starts small again. */
const goodRun = 10_000;

export interface FinishedRun {
  readonly exitCode: number;
  readonly restartCount: number;
  /** A client stopped it: then only what was killed by another signal than its stop signal may come back. */
  readonly manuallyStopped: boolean;
  readonly runMilliseconds: number;
}

/** The containers that wait to be restarted by their policy, and the delays they have earned. */
export class Restarts {
  readonly #delays = new Map<string, number>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #canceled = new Set<string>();

  /** Milliseconds until the restart, or undefined for none. */
  nextDelay(id: string, policy: RestartPolicy, run: FinishedRun): number | undefined {
    const canceled = this.#canceled.delete(id);
    if (canceled || !wantsRestart(policy, run)) return undefined;
    const before = run.runMilliseconds >= goodRun ? 0 : (this.#delays.get(id) ?? 0);
    const delay = before === 0 ? firstDelay : Math.min(before * 2, longestDelay);
    this.#delays.set(id, delay);
    return delay;
  }

  schedule(id: string, delay: number, restart: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(id);
      restart();
    }, delay);
    this.#timers.set(id, timer);
  }

  isScheduled(id: string): boolean {
    return this.#timers.has(id);
  }

  /** The exit that comes next is wanted by a client. */
  cancelNext(id: string): void {
    this.#canceled.add(id);
  }

  /** Stops a waiting restart; true if there was one. */
  cancelWaiting(id: string): boolean {
    const timer = this.#timers.get(id);
    if (timer === undefined) return false;
    clearTimeout(timer);
    return this.#timers.delete(id);
  }

  /** Started by a client, or removed: begin anew. */
  reset(id: string): void {
    this.cancelWaiting(id);
    this.#canceled.delete(id);
    this.#delays.delete(id);
  }

  close(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }
}

function wantsRestart({ Name, MaximumRetryCount }: RestartPolicy, run: FinishedRun): boolean {
  switch (Name) {
    case '':
    case 'no':
      return false;
    case 'always':
      return true;
    case 'unless-stopped':
      return !run.manuallyStopped;
    case 'on-failure':
      return run.exitCode !== 0 && (MaximumRetryCount === 0 || run.restartCount < MaximumRetryCount);
  }
}
