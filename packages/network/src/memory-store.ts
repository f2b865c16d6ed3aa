import type { NetworkStore } from './records.ts';

/** A store that forgets, for tests; each record goes through JSON as in the real one. */
export function createMemoryStore(): NetworkStore {
  const collections = new Map<string, Map<string, unknown>>();
  return {
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
    transaction: (body) => body(),
  };
}
