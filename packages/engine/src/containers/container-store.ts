import { EngineError, notFound } from '@wharf/base/error';
import type { Collection, Database } from '@wharf/store/metadata/database';
import { nameInUse } from './container-errors.ts';
import type { ContainerRecord, ContainerState } from './container-record.ts';

/** The containers' records with their indexes by name and id prefix. Reads are from memory and never wait. */
export class ContainerStore {
  readonly #records: Collection<ContainerRecord>;
  readonly #idByName = new Map<string, string>();
  /** Being created, without a record yet: they hold their names and images already. */
  readonly #drafts = new Map<string, ContainerRecord>();
  /** Sorted, for prefix lookup by binary search. */
  readonly #ids: string[];

  constructor(database: Database) {
    this.#records = database.collection<ContainerRecord>('containers', { relaxed: true });
    for (const record of this.#records.values()) this.#idByName.set(record.name, record.id);
    this.#ids = [...this.#records.values()].map((record) => record.id).sort();
  }

  get size(): number {
    return this.#records.size;
  }

  /** In order of creation. Containers being made or removed are not seen. */
  *values(): IterableIterator<ContainerRecord> {
    for (const record of this.#records.values()) if (record.phase === 'ready') yield record;
  }

  /** Also those being made or removed: for reconciling after a crash. */
  everything(): IterableIterator<ContainerRecord> {
    return this.#records.values();
  }

  /** All that may hold on to an image, also while it is being made or removed. */
  *users(): IterableIterator<ContainerRecord> {
    yield* this.#records.values();
    yield* this.#drafts.values();
  }

  get(id: string): ContainerRecord | undefined {
    return this.#records.get(id);
  }

  /** By full id, exact name, then unique id prefix. `No such container: x`. */
  find(idOrName: string): ContainerRecord {
    const record = this.#lookup(idOrName);
    if (record?.phase !== 'ready') throw notFound(`No such container: ${idOrName}`);
    return record;
  }

  has(idOrName: string): boolean {
    return this.#lookup(idOrName) !== undefined;
  }

  byName(name: string): ContainerRecord | undefined {
    const id = this.#idByName.get(name.replace(/^\//, ''));
    return id === undefined ? undefined : this.#records.get(id);
  }

  /** Takes a name before the record exists. Conflict if another container has it. */
  reserve(name: string, id: string): void {
    const holder = this.#idByName.get(name);
    if (holder !== undefined && holder !== id) throw nameInUse(name, holder);
    this.#idByName.set(name, id);
  }

  /** Takes the name of a container that is about to be made. Conflict if another has it. */
  beginDraft(draft: ContainerRecord): void {
    this.reserve(draft.name, draft.id);
    this.#drafts.set(draft.id, draft);
  }

  /** It came to nothing. */
  dropDraft({ id, name }: ContainerRecord): void {
    this.#drafts.delete(id);
    this.release(name, id);
  }

  isTaken(name: string): boolean {
    return this.#idByName.has(name);
  }

  /** Gives back a name that `reserve` took. */
  release(name: string, id: string): void {
    if (this.#idByName.get(name) === id) this.#idByName.delete(name);
  }

  put(record: ContainerRecord): void {
    const before = this.#records.get(record.id);
    this.#records.put(record.id, record);
    this.#drafts.delete(record.id);
    if (before === undefined) this.#ids.splice(this.#position(record.id), 0, record.id);
    else if (before.name !== record.name) this.release(before.name, record.id);
    this.#idByName.set(record.name, record.id);
  }

  /** Changes fields of a container that exists; answers the new record. */
  update(id: string, change: Partial<ContainerRecord>): ContainerRecord {
    const before = this.#records.get(id);
    if (!before) throw notFound(`No such container: ${id}`);
    const record = { ...before, ...change };
    this.put(record);
    return record;
  }

  updateState(id: string, change: Partial<ContainerState>, rest: Partial<ContainerRecord> = {}): ContainerRecord {
    const before = this.#records.get(id);
    if (!before) throw notFound(`No such container: ${id}`);
    const record = { ...before, ...rest, state: { ...before.state, ...change } };
    this.put(record);
    return record;
  }

  delete(id: string): void {
    const record = this.#records.get(id);
    if (!record) return;
    this.#records.delete(id);
    this.release(record.name, id);
    const position = this.#position(id);
    if (this.#ids[position] === id) this.#ids.splice(position, 1);
  }

  #lookup(idOrName: string): ContainerRecord | undefined {
    return this.#records.get(idOrName) ?? this.byName(idOrName) ?? this.#byPrefix(idOrName);
  }

  #byPrefix(prefix: string): ContainerRecord | undefined {
    if (prefix === '' || !/^[0-9a-f]{1,64}$/.test(prefix)) return undefined;
    const position = this.#position(prefix);
    const id = this.#ids[position];
    if (!id?.startsWith(prefix)) return undefined;
    if (this.#ids[position + 1]?.startsWith(prefix)) {
      throw new EngineError('invalid_argument', `multiple IDs found with provided prefix: ${prefix}`);
    }
    return this.#records.get(id);
  }

  /** Where `id` is or would be among the sorted ids. */
  #position(id: string): number {
    let low = 0;
    let high = this.#ids.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#ids[middle]! < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
