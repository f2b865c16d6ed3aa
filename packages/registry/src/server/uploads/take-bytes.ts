/** Bytes that are handed on together: a write for each packet would cost a thread's wake-up each. */
const batchSize = 512 * 1024;

export interface ByteTaker {
  /** Sees each piece as it comes. A throw ends the taking. */
  take(piece: Uint8Array): void;
  /** Is called with one batch at a time, while the next one is collected. */
  write(pieces: Uint8Array[]): Promise<void>;
}

/**
 * Moves a body to where it is kept, in two batches of memory whatever its size. Everything that `take` has seen has
 * been written when this settles, even where the source broke off.
 */
export async function takeBytes(source: ReadableStream<Uint8Array>, { take, write }: ByteTaker): Promise<void> {
  const reader = source.getReader();
  let batch: Uint8Array[] = [];
  let collected = 0;
  let writing: Promise<void> | undefined;
  async function flush(): Promise<void> {
    await writing;
    if (batch.length === 0) return;
    writing = write(batch);
    // Awaited before the next one, and at the end.
    writing.catch(() => {});
    batch = [];
    collected = 0;
  }
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      take(value);
      batch.push(value);
      collected += value.length;
      if (collected >= batchSize) await flush();
    }
  } catch (error) {
    await reader.cancel().catch(() => {});
    throw error;
  } finally {
    await flush();
    await writing;
  }
}
