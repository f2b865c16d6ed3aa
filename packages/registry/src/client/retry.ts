import { setTimeout as sleep } from 'node:timers/promises';
import { ConnectionFailure, RegistryError } from './registry-error.ts';

export interface RetryOptions {
  readonly attempts: number;
  readonly signal: AbortSignal;
  /** Told before each wait. */
  readonly onWait?: ((wait: Wait) => void) | undefined;
  readonly random?: () => number;
  /** Also tries again where nobody answers at the address. */
  readonly evenIfAbsent?: boolean;
}

export interface Wait {
  readonly seconds: number;
  readonly error: Error;
}

/** Longer than this nobody waits who sits before a terminal. */
const longestWait = 60;

/** Runs `body` again after failures that may pass: no connection, 5xx, 408, and 429 as long as the registry asks. */
export async function withRetries<T>(options: RetryOptions, body: (attempt: number) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await body(attempt);
    } catch (error) {
      const seconds = waitAfter(error, attempt, options);
      if (seconds === undefined) throw error;
      options.onWait?.({ seconds, error: error as Error });
      await pause(seconds, options.signal);
    }
  }
}

/** Seconds to wait, or undefined where it is of no use. */
export function waitAfter(
  error: unknown,
  attempt: number,
  { attempts, signal, random = Math.random, evenIfAbsent = true }: Omit<RetryOptions, 'onWait'>,
): number | undefined {
  if (signal.aborted || attempt >= attempts || !mayPass(error)) return undefined;
  if (!evenIfAbsent && error instanceof ConnectionFailure && error.absent) return undefined;
  const asked = error instanceof RegistryError ? error.retryAfter : undefined;
  if (asked !== undefined) return asked > longestWait ? undefined : Math.max(asked, 0.1);
  const backOff = Math.min(0.25 * 2 ** (attempt - 1), 15);
  // Clients that failed together must not come back together.
  return backOff * (0.5 + random());
}

export function mayPass(error: unknown): boolean {
  if (error instanceof ConnectionFailure) return true;
  return error instanceof RegistryError && (error.status >= 500 || error.status === 408 || error.status === 429);
}

export async function pause(seconds: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(seconds * 1000, undefined, { signal });
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  }
}
