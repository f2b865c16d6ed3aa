import { availableParallelism } from 'node:os';

/** Enough for steps that wait for a server or a disk to let others go on. */
const placesByProcessor = 4;

interface Waiter {
  readonly enter: () => void;
}

/**
 * Lets only so many commands run at once on this host, and one build only as many of them as it may. Builds take turns:
 * one with a hundred steps does not make another one wait for all of them.
 */
export class StepGate {
  readonly #places: number;
  #taken = 0;
  /** By build, in the order of their turns. */
  readonly #queues = new Map<object, Waiter[]>();
  readonly #running = new Map<object, number>();
  readonly #limits = new Map<object, number>();

  constructor(places = placesByProcessor * availableParallelism()) {
    this.#places = places;
  }

  /** Runs a step of a build when it is its turn; leaves the queue when the build is given up. */
  async run<T>(
    build: object,
    { limit, signal }: { limit: number; signal: AbortSignal },
    body: () => Promise<T>,
  ): Promise<T> {
    signal.throwIfAborted();
    this.#limits.set(build, limit);
    await this.#enter(build, signal);
    try {
      return await body();
    } finally {
      this.#taken--;
      const left = (this.#running.get(build) ?? 1) - 1;
      if (left > 0) this.#running.set(build, left);
      else this.#running.delete(build);
      this.#admit();
      if (left === 0 && !this.#queues.has(build)) this.#limits.delete(build);
    }
  }

  async #enter(build: object, signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter = { enter: resolve };
    const queue = this.#queues.get(build) ?? [];
    queue.push(waiter);
    this.#queues.set(build, queue);
    const leave = () => {
      const place = queue.indexOf(waiter);
      if (place < 0) return;
      queue.splice(place, 1);
      if (queue.length === 0) this.#queues.delete(build);
      reject(signal.reason);
    };
    signal.addEventListener('abort', leave, { once: true });
    this.#admit();
    try {
      await promise;
    } finally {
      signal.removeEventListener('abort', leave);
    }
  }

  #admit(): void {
    while (this.#taken < this.#places) {
      const next = [...this.#queues].find(
        ([build]) => (this.#running.get(build) ?? 0) < (this.#limits.get(build) ?? 1),
      );
      if (!next) return;
      const [build, queue] = next;
      const waiter = queue.shift()!;
      // Its next turn comes after everybody else's.
      this.#queues.delete(build);
      if (queue.length > 0) this.#queues.set(build, queue);
      this.#taken++;
      this.#running.set(build, (this.#running.get(build) ?? 0) + 1);
      waiter.enter();
    }
  }
}
