/**
 * Work that goes on after the client is answered: unmounting, deleting cgroups and directories. One chain a
 * container, so that its next start finds the old run gone.
 */
export class Teardowns {
  readonly #running = new Map<string, Promise<void>>();
  readonly #failed: (id: string, error: unknown) => void;

  constructor(failed: (id: string, error: unknown) => void) {
    this.#failed = failed;
  }

  /** Appends to the container's chain. A failure is reported and does not stop what follows. */
  begin(id: string, work: () => Promise<void>): void {
    const before = this.#running.get(id) ?? Promise.resolve();
    const after = before.then(work).catch((error: unknown) => this.#failed(id, error));
    this.#running.set(id, after);
    void after.then(() => {
      if (this.#running.get(id) === after) this.#running.delete(id);
    });
  }

  /** Resolves when nothing of the container is being torn down. */
  async settled(id: string): Promise<void> {
    for (let running = this.#running.get(id); running; running = this.#running.get(id)) await running;
  }

  async allSettled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running.values());
  }
}
