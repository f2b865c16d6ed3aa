import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { KeyedLock } from '@wharf/base/keyed-lock';
import { directoryUsage } from '@wharf/store/directory-usage';
import type { Collection, Database } from '@wharf/store/metadata/database';

/** One directory, by its name below the root. */
export interface CacheMountRecord {
  /** As builds call it. */
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly lastUsedAt: number;
  readonly usageCount: number;
}

export interface HeldCacheMount {
  readonly path: string;
  release(): void;
}

/** Directories of `RUN --mount=type=cache`, kept between builds by their id. */
export class CacheMounts {
  readonly #root: string;
  readonly #locks = new KeyedLock();
  readonly #users = new Map<string, number>();
  readonly #records: Collection<CacheMountRecord>;

  constructor(root: string, database: Database) {
    this.#root = root;
    this.#records = database.collection<CacheMountRecord>('build-cache-mounts', { relaxed: true });
  }

  entries(): IterableIterator<[name: string, record: CacheMountRecord]> {
    return this.#records.entries();
  }

  isHeld(name: string): boolean {
    return this.#users.has(name);
  }

  /** Bytes on disk. */
  usage(name: string): Promise<number> {
    return directoryUsage(join(this.#root, name));
  }

  /** Does nothing to one that a step has. */
  remove(name: string): void {
    if (this.#users.has(name)) return;
    rmSync(join(this.#root, name), { recursive: true, force: true });
    this.#records.delete(name);
  }

  /** `fill` makes what a new one begins with, in a directory that is not there yet. */
  async hold(
    id: string,
    sharing: 'shared' | 'private' | 'locked',
    fill: (directory: string) => Promise<void>,
  ): Promise<HeldCacheMount> {
    const key = createHash('sha256').update(id).digest('hex').slice(0, 32);
    const unlock = sharing === 'locked' ? await this.#locks.acquire(key) : () => {};
    try {
      const name = sharing === 'private' ? this.#free(key) : key;
      const path = join(this.#root, name);
      this.#users.set(name, (this.#users.get(name) ?? 0) + 1);
      await this.#make(path, fill);
      this.#note(name, id);
      return {
        path,
        release: () => {
          const left = (this.#users.get(name) ?? 1) - 1;
          if (left > 0) this.#users.set(name, left);
          else this.#users.delete(name);
          unlock();
        },
      };
    } catch (error) {
      unlock();
      throw error;
    }
  }

  #note(name: string, id: string): void {
    const now = Date.now();
    const { createdAt = now, usageCount = 0 } = this.#records.get(name) ?? {};
    this.#records.put(name, { id, createdAt, lastUsedAt: now, usageCount: usageCount + 1 });
  }

  #free(key: string): string {
    for (let number = 0; ; number++) {
      const name = number === 0 ? key : `${key}-${number}`;
      if (!this.#users.has(name)) return name;
    }
  }

  /** Whole or not there. */
  async #make(path: string, fill: (directory: string) => Promise<void>): Promise<void> {
    await this.#locks.run(`make ${path}`, async () => {
      if (existsSync(path)) return;
      mkdirSync(this.#root, { recursive: true, mode: 0o700 });
      const made = `${path}.new`;
      rmSync(made, { recursive: true, force: true });
      await fill(made);
      renameSync(made, path);
    });
  }
}
