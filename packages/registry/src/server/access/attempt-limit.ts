const mostFailures = 10;
const window = 60_000;
const mostEntries = 10_000;

/** Counts wrong passwords by who sends them and for whom: guessing is slow, and others do not wait for it. */
export class AttemptLimit {
  readonly #failures = new Map<string, { count: number; until: number }>();

  isExceeded(key: string): boolean {
    const entry = this.#failures.get(key);
    if (!entry) return false;
    if (entry.until < Date.now()) this.#failures.delete(key);
    return entry.until >= Date.now() && entry.count >= mostFailures;
  }

  fail(key: string): void {
    const entry = this.#failures.get(key);
    if (entry && entry.until >= Date.now()) entry.count++;
    else this.#failures.set(key, { count: 1, until: Date.now() + window });
    // The oldest goes first: a Map keeps the order of insertion.
    if (this.#failures.size > mostEntries) this.#failures.delete(this.#failures.keys().next().value!);
  }

  succeed(key: string): void {
    this.#failures.delete(key);
  }
}
