import type { NetworkStore } from './records.ts';

/** Collections by name, records by id. */
export type StoreDump = Record<string, Record<string, unknown>>;

/** A store that forgets, for tests; each record goes through JSON as in the real one. */
export function createMemoryStore(initial: StoreDump = {}): NetworkStore & { dump(): StoreDump } {
  const collections = new Map(
    Object.entries(initial).map(([name, records]) => [name, new Map(Object.entries(records))]),
  );
  return {
    dump: () => Object.fromEntries([...collections].map(([name, records]) => [name, Object.fromEntries(records)])),
    collection<T extends object>(name: string) {
      const records = (collections.get(name) ?? new Map()) as Map<string, T>;
      collections.set(name, records);
      return {
        get: (id: string) => records.get(id),
        put: (id: string, value: T) => void records.set(id, JSON.parse(JSON.stringify(value))),
        delete: (id: string) => records.delete(id),
        values: () => records.values(),
      };
    },
  };
}
