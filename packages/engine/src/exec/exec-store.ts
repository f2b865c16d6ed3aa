import { notFound } from '@wharf/base/error';
import type { ExecRecord } from './exec-record.ts';

/** An exec that has ended can be inspected for a while, as in Docker: milliseconds, and how many at most. */
const finishedAge = 5 * 60_000;
const finishedLimit = 10_000;

/** The execs of all containers, with their containers' indexes. */
export class ExecStore {
  readonly #records = new Map<string, ExecRecord>();
  readonly #byContainer = new Map<string, Set<string>>();
  /** When they ended, oldest first. */
  readonly #finished = new Map<string, number>();
  readonly #waiting = new Map<string, ((exitCode: number) => void)[]>();

  find(id: string): ExecRecord {
    const record = this.#records.get(id);
    if (!record) throw notFound(`No such exec instance: ${id}`);
    return record;
  }

  get(id: string): ExecRecord | undefined {
    return this.#records.get(id);
  }

  put(record: ExecRecord): void {
    this.#records.set(record.id, record);
    const ids = this.#byContainer.get(record.containerId) ?? new Set<string>();
    this.#byContainer.set(record.containerId, ids.add(record.id));
    if (record.status !== 'exited') return;
    this.#settle(record.id, record.exitCode ?? 0);
    this.#finished.set(record.id, performance.now());
    this.#dropOldest();
  }

  /** Resolves with the exit code once the exec has ended. */
  exitOf(id: string): Promise<number> {
    const { status, exitCode } = this.find(id);
    if (status === 'exited') return Promise.resolve(exitCode ?? 0);
    const { promise, resolve } = Promise.withResolvers<number>();
    this.#waiting.set(id, [...(this.#waiting.get(id) ?? []), resolve]);
    return promise;
  }

  /** Those that have not ended: what inspect's ExecIDs shows. */
  *ofContainer(containerId: string): IterableIterator<ExecRecord> {
    for (const id of this.#byContainer.get(containerId) ?? []) {
      const record = this.#records.get(id);
      if (record && record.status !== 'exited') yield record;
    }
  }

  running(): ExecRecord[] {
    return [...this.#records.values()].filter(({ status }) => status === 'running');
  }

  /** The container is gone, and its execs with it. */
  forget(containerId: string): void {
    for (const id of this.#byContainer.get(containerId) ?? []) {
      this.#records.delete(id);
      this.#finished.delete(id);
      this.#settle(id, 137);
    }
    this.#byContainer.delete(containerId);
  }

  #settle(id: string, exitCode: number): void {
    for (const resolve of this.#waiting.get(id) ?? []) resolve(exitCode);
    this.#waiting.delete(id);
  }

  #dropOldest(): void {
    const old = performance.now() - finishedAge;
    for (const [id, time] of this.#finished) {
      if (time >= old && this.#finished.size <= finishedLimit) return;
      this.#finished.delete(id);
      this.#byContainer.get(this.#records.get(id)?.containerId ?? '')?.delete(id);
      this.#records.delete(id);
    }
  }
}
