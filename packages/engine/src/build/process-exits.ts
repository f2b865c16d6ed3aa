import type { Supervisor } from '@wharf/runtime/supervisor/supervisor';

/** The ends of processes that are no containers. */
export class ProcessExits {
  readonly #waiting = new Map<string, (exitCode: number) => void>();

  constructor(supervisor: Pick<Supervisor, 'onExit'>) {
    supervisor.onExit(({ id, execId, exitCode }) => {
      if (execId !== undefined) return;
      this.#waiting.get(id)?.(exitCode);
      this.#waiting.delete(id);
    });
  }

  /** To be called before it is started. */
  of(id: string): Promise<number> {
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }

  forget(id: string): void {
    this.#waiting.delete(id);
  }
}
