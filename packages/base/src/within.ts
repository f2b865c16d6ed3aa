/** True if `done` settles within so many seconds; negative waits for ever. Rejects as `done` does. */
export async function within(done: Promise<unknown>, seconds: number): Promise<boolean> {
  if (seconds < 0) return done.then(() => true);
  const { promise: timeout, resolve } = Promise.withResolvers<boolean>();
  // setTimeout overflows to "at once" above 2^31.
  const timer = setTimeout(resolve, Math.min(seconds * 1000, 2 ** 31 - 1), false);
  try {
    return await Promise.race([done.then(() => true), timeout]);
  } finally {
    clearTimeout(timer);
  }
}
