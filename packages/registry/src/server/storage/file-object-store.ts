import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { mkdir, open, readdir, rename, rm, rmdir, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ByteRange, ListedObject, ObjectBody, ObjectStat, ObjectStore } from './object-store.ts';

/** Objects as files below a directory. Keys come from keys.ts, where every part of a client's name was checked. */
export class FileObjectStore implements ObjectStore {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
    mkdirSync(this.#temporary, { recursive: true, mode: 0o700 });
  }

  get #temporary(): string {
    return join(this.root, 'temporary');
  }

  path(key: string): string {
    return join(this.root, key);
  }

  /** In one stretch: a page in memory is read sooner than a thread is woken for it. */
  async read(key: string): Promise<Buffer | undefined> {
    try {
      return readFileSync(this.path(key));
    } catch (error) {
      return ignoreMissing(error);
    }
  }

  async stat(key: string): Promise<ObjectStat | undefined> {
    const found = statSync(this.path(key), { throwIfNoEntry: false });
    return found?.isFile() ? { size: found.size, modified: found.mtimeMs } : undefined;
  }

  async write(
    key: string,
    bytes: Uint8Array | string,
    { durable = true }: { readonly durable?: boolean } = {},
  ): Promise<void> {
    const temporary = join(this.#temporary, randomUUID());
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(bytes);
      if (durable) await file.datasync();
    } finally {
      await file.close();
    }
    await this.moveIn(temporary, key, durable);
  }

  /** Puts a file that is already on the disk, and on this file system, at its key. */
  async moveIn(from: string, key: string, durable = true): Promise<void> {
    const to = this.path(key);
    for (let tries = 0; ; tries++) {
      await makeDirectory(dirname(to), durable);
      try {
        await rename(from, to);
        break;
      } catch (error) {
        // Whoever removed the last neighbour took the directory along.
        if (!isMissing(error) || tries === 20) throw error;
      }
    }
    if (durable) await syncDirectory(dirname(to));
  }

  async touch(key: string): Promise<boolean> {
    const now = new Date();
    try {
      await utimes(this.path(key), now, now);
      return true;
    } catch (error) {
      ignoreMissing(error);
      return false;
    }
  }

  async remove(key: string): Promise<void> {
    const path = this.path(key);
    await rm(path, { force: true });
    // Empty directories go along, up to the first level: a repository without content is none.
    for (let directory = dirname(path); directory.length > this.root.length; directory = dirname(directory)) {
      try {
        await rmdir(directory);
      } catch {
        return;
      }
    }
  }

  async *list(prefix: string): AsyncIterable<ListedObject> {
    for (const name of await this.children(prefix)) {
      const found = await stat(this.path(prefix + name)).catch(ignoreMissing);
      if (found?.isDirectory()) yield* this.list(`${prefix}${name}/`);
      else if (found) yield { key: prefix + name, size: found.size, modified: found.mtimeMs };
    }
  }

  async children(prefix: string): Promise<string[]> {
    const names = (await readdir(this.path(prefix)).catch(ignoreMissing)) ?? [];
    return names.sort();
  }

  /** A part of the file, which the kernel sends from its page cache. */
  async body(key: string, { start, end }: ByteRange): Promise<ObjectBody | undefined> {
    return { kind: 'body', body: Bun.file(this.path(key)).slice(start, end) };
  }

  async close(): Promise<void> {}
}

/** Makes what is missing, and makes it last. */
export async function makeDirectory(path: string, durable: boolean): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: 0o700 });
  if (first === undefined || !durable) return;
  for (let directory = path; directory.length >= first.length; directory = dirname(directory)) {
    await syncDirectory(dirname(directory));
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r').catch(ignoreMissing);
  if (!directory) return;
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

function isMissing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

function ignoreMissing(error: unknown): undefined {
  if (isMissing(error)) return undefined;
  throw error;
}
