import type { Dirent } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Bytes of the files below a directory, as `du --apparent-size` counts them; a hard link once. */
export async function directoryUsage(directory: string): Promise<number> {
  const counted = new Set<string>();
  let total = 0;
  const pending = [directory];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    for (const entry of await entriesOf(next)) {
      const path = join(next, entry.name);
      if (entry.isDirectory()) {
        pending.push(path);
        continue;
      }
      const status = await lstat(path).catch(() => undefined);
      if (!status) continue;
      if (status.nlink > 1) {
        const key = `${status.dev}:${status.ino}`;
        if (counted.has(key)) continue;
        counted.add(key);
      }
      total += status.size;
    }
  }
  return total;
}

/** Something else may be removing the tree meanwhile: what is gone counts nothing. */
async function entriesOf(directory: string): Promise<Dirent[]> {
  return readdir(directory, { withFileTypes: true }).catch(() => []);
}
