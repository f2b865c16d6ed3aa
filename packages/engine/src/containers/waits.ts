import type { WaitResponse } from '@wharf/api/container';

type Resolve = (response: WaitResponse) => void;

/** Who waits for which container to exit, or to be gone. */
export class Waits {
  readonly #exit = new Map<string, Set<Resolve>>();
  readonly #removal = new Map<string, Set<Resolve>>();

  /** Resolves at the container's next exit. Dropped when `signal` aborts: the promise then never settles. */
  nextExit(id: string, signal?: AbortSignal): Promise<WaitResponse> {
    return arm(this.#exit, id, signal);
  }

  /** Resolves with the last exit's code once the container is removed. */
  removal(id: string, signal?: AbortSignal): Promise<WaitResponse> {
    return arm(this.#removal, id, signal);
  }

  exited(id: string, response: WaitResponse): void {
    settle(this.#exit, id, response);
  }

  removed(id: string, response: WaitResponse): void {
    settle(this.#exit, id, response);
    settle(this.#removal, id, response);
  }
}

function arm(waiters: Map<string, Set<Resolve>>, id: string, signal: AbortSignal | undefined): Promise<WaitResponse> {
  const { promise, resolve } = Promise.withResolvers<WaitResponse>();
  const set = waiters.get(id) ?? new Set<Resolve>();
  waiters.set(id, set.add(answer));

  function answer(response: WaitResponse): void {
    signal?.removeEventListener('abort', forget);
    resolve(response);
  }
  function forget(): void {
    set.delete(answer);
    if (set.size === 0 && waiters.get(id) === set) waiters.delete(id);
  }
  signal?.addEventListener('abort', forget, { once: true });
  if (signal?.aborted) forget();
  return promise;
}

function settle(waiters: Map<string, Set<Resolve>>, id: string, response: WaitResponse): void {
  const set = waiters.get(id);
  if (!set) return;
  waiters.delete(id);
  for (const answer of set) answer(response);
}
