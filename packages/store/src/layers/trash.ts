import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, renameSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { hasErrno } from '@wharf/sys/errno';

/** Where directories go at once, by a rename, to be deleted in peace. On the same file system as what it takes. */
export class Trash {
  readonly #directory: string;
  readonly #onError: (error: unknown) => void;
  #emptying: Promise<void> = Promise.resolve();

  /** Deletes what an earlier daemon left. */
  constructor(directory: string, onError: (error: unknown) => void) {
    this.#directory = directory;
    this.#onError = onError;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(directory)) this.#delete(join(directory, name));
  }

  /** Idempotent: what is not there is fine. */
  discard(path: string): void {
    const target = join(this.#directory, `${basename(path)}-${randomBytes(4).toString('hex')}`);
    try {
      renameSync(path, target);
    } catch (error) {
      if (hasErrno(error, 'ENOENT')) return;
      throw error;
    }
    this.#delete(target);
  }

  /** Resolves when all that was discarded is deleted. */
  settled(): Promise<void> {
    return this.#emptying;
  }

  #delete(path: string): void {
    // One after another: deleting must not compete with the work of containers.
    this.#emptying = this.#emptying.then(() => rm(path, { recursive: true, force: true }).catch(this.#onError));
  }
}
