import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Trash } from '@wharf/store/layers/trash';
import type { Collection, Database } from '@wharf/store/metadata/database';
import type { FileWorkers } from '../trees/file-workers.ts';
import { DirectoryUpdate } from './received-tree.ts';
import { readIndex, TreeIndex } from './tree-index.ts';

/** The last tree that came from one client directory. */
export interface ContextRecord {
  readonly id: string;
  readonly key: string;
  readonly name: string;
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly lastUsedAt: number;
  readonly usageCount: number;
}

/** A tree that nobody changes as long as it is held. */
export interface HeldContext {
  readonly id: string;
  readonly directory: string;
  readonly index: TreeIndex;
  /** Bytes that came from the client this time. */
  readonly received: number;
  release(): void;
}

interface Tree {
  readonly index: TreeIndex;
  users: number;
  writing: boolean;
}

/**
 * Local contexts, kept between builds by what the client calls them, so that only changed files travel.
 *
 *   <root>/<id>/tree       the files
 *   <root>/<id>/index      their digests, each with the identity of the file that it belongs to
 *   <root>/<id>/incoming   files on their way: swept
 *
 * The disk is the truth: an index that is older than the tree (the daemon was killed between the two) only costs
 * hashing what it does not know.
 */
export class ContextStore {
  readonly #root: string;
  readonly #records: Collection<ContextRecord>;
  readonly #trash: Trash;
  readonly #workers: FileWorkers;
  readonly #trees = new Map<string, Tree>();

  constructor(root: string, { database, trash, workers }: { database: Database; trash: Trash; workers: FileWorkers }) {
    this.#root = root;
    this.#records = database.collection<ContextRecord>('build-contexts', { relaxed: true });
    this.#trash = trash;
    this.#workers = workers;
    mkdirSync(root, { recursive: true, mode: 0o700 });
    for (const record of [...this.#records.values()]) {
      if (!existsSync(join(root, record.id, 'tree'))) this.#records.delete(record.id);
    }
  }

  records(): IterableIterator<ContextRecord> {
    return this.#records.values();
  }

  get root(): string {
    return this.#root;
  }

  isUsed(id: string): boolean {
    const tree = this.#trees.get(id);
    return tree !== undefined && (tree.users > 0 || tree.writing);
  }

  /** Brings the tree of `key` up to date by `receive`, and holds it. A tree that another build holds is cloned. */
  async receive(key: string, name: string, receive: (tree: DirectoryUpdate) => Promise<void>): Promise<HeldContext> {
    const record = await this.#claim(key, name);
    const tree = this.#trees.get(record.id)!;
    const directory = join(this.#root, record.id, 'tree');
    const incoming = join(this.#root, record.id, 'incoming');
    rmSync(incoming, { recursive: true, force: true });
    mkdirSync(incoming, { mode: 0o700 });
    const update = new DirectoryUpdate(directory, incoming, tree.index);
    try {
      await receive(update);
      await update.finish();
    } catch (error) {
      // What came is on disk, and no index knows it: the next one reads the tree again.
      this.#trees.delete(record.id);
      throw error;
    } finally {
      update.close();
      tree.writing = false;
    }
    const index = update.changed ? update.index : tree.index;
    const next: Tree = { index, users: 1, writing: false };
    this.#trees.set(record.id, next);
    if (update.changed) this.#save(record.id, index);
    this.#touch(record, update.changed ? sizeOf(index) : record.size);
    return {
      id: record.id,
      directory,
      index,
      received: update.received,
      release: () => {
        next.users--;
      },
    };
  }

  /** Throws where it is in use. */
  remove(id: string): void {
    if (this.isUsed(id)) throw new Error(`context ${id} is in use`);
    this.#records.delete(id);
    this.#trees.delete(id);
    this.#trash.discard(join(this.#root, id));
  }

  async #claim(key: string, name: string): Promise<ContextRecord> {
    const candidates = [...this.#records.values()].filter((record) => record.key === key);
    const free = candidates.find(({ id }) => !this.isUsed(id));
    if (free) {
      const tree = this.#trees.get(free.id);
      if (tree) tree.writing = true;
      else this.#trees.set(free.id, { index: this.#load(free.id), users: 0, writing: true });
      return free;
    }
    const record = this.#create(key, name);
    const settled = candidates.find(({ id }) => !this.#trees.get(id)?.writing);
    const tree: Tree = { index: new TreeIndex(), users: 0, writing: true };
    this.#trees.set(record.id, tree);
    if (!settled) return record;
    const source = this.#trees.get(settled.id)!;
    source.users++;
    try {
      const to = join(this.#root, record.id, 'tree');
      await this.#workers.run('clone', { from: join(this.#root, settled.id, 'tree'), to });
      // Links changed the files' ctime: both indexes are made again when they are next read from disk.
      this.#trees.set(record.id, { ...tree, index: source.index });
    } finally {
      source.users--;
    }
    return record;
  }

  #create(key: string, name: string): ContextRecord {
    const now = Date.now();
    const id = createHash('sha256').update(key).update(randomBytes(8)).digest('hex').slice(0, 25);
    mkdirSync(join(this.#root, id, 'tree'), { recursive: true, mode: 0o700 });
    const record = { id, key, name, size: 0, createdAt: now, lastUsedAt: now, usageCount: 0 };
    this.#records.put(id, record);
    return record;
  }

  #load(id: string): TreeIndex {
    const path = join(this.#root, id, 'index');
    return readIndex(join(this.#root, id, 'tree'), existsSync(path) ? readFileSync(path) : undefined);
  }

  #save(id: string, index: TreeIndex): void {
    const path = join(this.#root, id, 'index');
    writeFileSync(`${path}.new`, index.encode(), { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }

  #touch(record: ContextRecord, size: number): void {
    this.#records.put(record.id, {
      ...record,
      size,
      lastUsedAt: Date.now(),
      usageCount: record.usageCount + 1,
    });
  }
}

function sizeOf(index: TreeIndex): number {
  let total = 0;
  const pending = [index.root];
  for (let node = pending.pop(); node; node = pending.pop()) {
    total += node.size;
    if (node.children) pending.push(...node.children.values());
  }
  return total;
}
