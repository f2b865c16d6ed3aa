type Resolved<T extends readonly unknown[]> = { -readonly [K in keyof T]: Awaited<T[K]> };

/**
 * Like Promise.all, but waits until every one has settled before it rejects with the first failure: nothing goes on
 * in the background while what was acquired is being undone.
 */
export async function together<const T extends readonly unknown[]>(promises: T): Promise<Resolved<T>> {
  const settled = await Promise.allSettled(promises);
  for (const result of settled) if (result.status === 'rejected') throw result.reason;
  return settled.map((result) => (result as PromiseFulfilledResult<unknown>).value) as Resolved<T>;
}
