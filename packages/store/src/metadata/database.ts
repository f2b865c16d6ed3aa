import { closeSync, fdatasync, openSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { promisify } from 'node:util';
import { isFull, reserveRoom, withReserve } from './reserve.ts';

const datasync = promisify(fdatasync);

/**
 * The daemon's one metadata file, `<data-root>/meta.db`: SQLite in WAL mode with synchronous=FULL, so that what
 * was acknowledged survives a power cut. Relaxed collections skip the sync: what they hold survives the daemon's
 * death at any instruction, and a power cut from the next `flush` on.
 *
 *   object
 *     collection  'containers' | 'images' | 'networks' | ...   one for each kind of object
 *     id          the object's key inside its collection
 *     value       JSON of the record
 *   meta
 *     key, value  schema_version, engine_id
 *
 * Every record is also held in memory: reads are served from there and never wait; writes go to the file first.
 */
export interface Database {
  /** The records of one kind. `T` must be plain JSON. Opening the same name twice returns the same collection. */
  collection<T extends object>(name: string, options?: CollectionOptions): Collection<T>;
  /** Runs `body`'s writes as one commit. Synchronous: no await inside. A throw rolls memory and file back. */
  transaction<T>(body: () => T): T;
  /** A small setting of the daemon itself, such as its engine id. */
  getMeta(key: string): string | undefined;
  setMeta(key: string, value: string): void;
  /** Resolves when all that was written is on disk. The sync runs off the main thread; calls that overlap share it. */
  flush(): Promise<void>;
  close(): void;
}

export interface CollectionOptions {
  /** For what changes often, and is worth nothing once the machine went down: running states, addresses. */
  readonly relaxed?: boolean;
}

export interface Collection<T extends object> {
  /** The live record. Treat it as immutable: change by `put` of a new object. */
  get(id: string): T | undefined;
  has(id: string): boolean;
  put(id: string, value: T): void;
  delete(id: string): boolean;
  /** In order of insertion. */
  values(): IterableIterator<T>;
  entries(): IterableIterator<[id: string, value: T]>;
  readonly size: number;
}

const schemaVersion = 1;
const reserveAfterMilliseconds = 300;

export function openDatabase(path: string): Database {
  return new SqliteDatabase(path);
}

class SqliteDatabase implements Database {
  readonly #sqlite: DatabaseSync;
  readonly #collections = new Map<string, SqliteCollection<object>>();
  readonly #upsert: StatementSync;
  readonly #delete: StatementSync;
  readonly #selectAll: StatementSync;
  readonly #log: string;
  #logFd: number | undefined;
  readonly #relaxed = new Set<string>();
  #undo: (() => void)[] | undefined;
  #synchronous: 'FULL' | 'NORMAL' = 'FULL';
  #flushing: Promise<void> | undefined;
  readonly #reserving: NodeJS.Timeout;
  #flushNext: Promise<void> | undefined;

  constructor(path: string) {
    this.#log = `${path}-wal`;
    // Environments of containers are in it. SQLite gives its other files the same mode.
    if (path !== ':memory:') closeSync(openSync(path, 'a', 0o600));
    this.#sqlite = new DatabaseSync(path);
    this.#sqlite.exec('PRAGMA journal_mode=WAL');
    this.#sqlite.exec('PRAGMA synchronous=FULL');
    this.#sqlite.exec('PRAGMA busy_timeout=5000');
    this.#migrate();
    this.#upsert = this.#sqlite.prepare(
      'INSERT INTO object(collection, id, value) VALUES (?, ?, ?) ON CONFLICT(collection, id) DO UPDATE SET value = excluded.value',
    );
    this.#delete = this.#sqlite.prepare('DELETE FROM object WHERE collection = ? AND id = ?');
    this.#selectAll = this.#sqlite.prepare('SELECT id, value FROM object WHERE collection = ? ORDER BY rowid');
    this.#reserving = setTimeout(() => this.#reserve(), reserveAfterMilliseconds);
    this.#reserving.unref();
  }

  #migrate(): void {
    this.#sqlite.exec(
      'CREATE TABLE IF NOT EXISTS object(collection TEXT NOT NULL, id TEXT NOT NULL, value TEXT NOT NULL, UNIQUE(collection, id))',
    );
    this.#sqlite.exec('CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value TEXT NOT NULL)');
    const found = this.getMeta('schema_version');
    if (found === undefined) this.setMeta('schema_version', String(schemaVersion));
    else if (Number(found) > schemaVersion) {
      throw new Error(
        `Cannot open the metadata: it was written by a newer wharfd (schema ${found}, known ${schemaVersion})`,
      );
    }
  }

  collection<T extends object>(name: string, { relaxed = false }: CollectionOptions = {}): Collection<T> {
    if (relaxed) this.#relaxed.add(name);
    let collection = this.#collections.get(name);
    if (!collection) {
      const records = new Map<string, object>();
      for (const row of this.#selectAll.all(name) as { id: string; value: string }[]) {
        records.set(row.id, JSON.parse(row.value));
      }
      collection = new SqliteCollection(records, {
        put: (id, value) => {
          this.#synchronize(this.#relaxed.has(name));
          this.#change(() => this.#upsert.run(name, id, JSON.stringify(value)));
        },
        delete: (id) => {
          this.#synchronize(this.#relaxed.has(name));
          this.#change(() => this.#delete.run(name, id));
        },
        undo: (step) => void this.#undo?.push(step),
      });
      this.#collections.set(name, collection);
    }
    return collection as unknown as Collection<T>;
  }

  /** The pragma cannot change inside a transaction, which is always synced. */
  #synchronize(relaxed: boolean): void {
    const wanted = relaxed ? 'NORMAL' : 'FULL';
    if (this.#undo || this.#synchronous === wanted) return;
    this.#sqlite.exec(`PRAGMA synchronous=${wanted}`);
    this.#synchronous = wanted;
  }

  /** A change of a transaction is tried again with all of it. */
  #change(change: () => unknown): void {
    if (this.#undo) change();
    else withReserve(this.#sqlite, change);
  }

  transaction<T>(body: () => T): T {
    if (this.#undo) return body();
    return withReserve(this.#sqlite, () => this.#commit(body));
  }

  #commit<T>(body: () => T): T {
    this.#synchronize(false);
    this.#undo = [];
    this.#sqlite.exec('BEGIN IMMEDIATE');
    try {
      const result = body();
      this.#sqlite.exec('COMMIT');
      return result;
    } catch (error) {
      // A disk that is full has rolled it back already.
      if (this.#sqlite.isTransaction) this.#sqlite.exec('ROLLBACK');
      for (const step of this.#undo.reverse()) step();
      throw error;
    } finally {
      this.#undo = undefined;
    }
  }

  flush(): Promise<void> {
    // A sync under way may have begun before the last write: who comes now waits for one that begins later.
    if (!this.#flushing) {
      this.#flushing = this.#sync().finally(() => {
        this.#flushing = undefined;
      });
      return this.#flushing;
    }
    this.#flushNext ??= this.#flushing
      .catch(() => {})
      .then(() => {
        this.#flushNext = undefined;
        return this.flush();
      });
    return this.#flushNext;
  }

  /** The log stays the same file as long as the database is open. */
  #sync(): Promise<void> {
    this.#logFd ??= openSync(this.#log, 'r');
    return datasync(this.#logFd);
  }

  getMeta(key: string): string | undefined {
    const row = this.#sqlite.prepare('SELECT value FROM meta WHERE key = ?').get(key) as { value: string } | undefined;
    return row?.value;
  }

  setMeta(key: string, value: string): void {
    this.#sqlite
      .prepare('INSERT INTO meta VALUES (?, ?) ON CONFLICT(key) DO UPDATE SET value = excluded.value')
      .run(key, value);
  }

  /** Once nobody waits for the daemon any more. */
  #reserve(): void {
    try {
      this.#sqlite.exec('PRAGMA synchronous=OFF');
      reserveRoom(this.#sqlite, this.#log);
    } catch (error) {
      if (!isFull(error)) throw error;
    } finally {
      this.#sqlite.exec(`PRAGMA synchronous=${this.#synchronous}`);
    }
  }

  close(): void {
    clearTimeout(this.#reserving);
    if (this.#logFd !== undefined) closeSync(this.#logFd);
    this.#logFd = undefined;
    this.#sqlite.close();
  }
}

interface Writer {
  put(id: string, value: object): void;
  delete(id: string): void;
  undo(step: () => void): void;
}

class SqliteCollection<T extends object> implements Collection<T> {
  readonly #records: Map<string, T>;
  readonly #writer: Writer;

  constructor(records: Map<string, T>, writer: Writer) {
    this.#records = records;
    this.#writer = writer;
  }

  get(id: string): T | undefined {
    return this.#records.get(id);
  }

  has(id: string): boolean {
    return this.#records.has(id);
  }

  put(id: string, value: T): void {
    this.#writer.put(id, value);
    const before = this.#records.get(id);
    this.#writer.undo(() => (before === undefined ? this.#records.delete(id) : this.#records.set(id, before)));
    this.#records.set(id, value);
  }

  delete(id: string): boolean {
    const before = this.#records.get(id);
    if (before === undefined) return false;
    this.#writer.delete(id);
    this.#writer.undo(() => this.#records.set(id, before));
    return this.#records.delete(id);
  }

  values(): IterableIterator<T> {
    return this.#records.values();
  }

  entries(): IterableIterator<[string, T]> {
    return this.#records.entries();
  }

  get size(): number {
    return this.#records.size;
  }
}
