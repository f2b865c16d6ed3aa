import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FileEntries } from './step-observer.ts';

/** Larger trees are told of as a whole. */
const mostEntries = 50_000;
const sweepMilliseconds = 2000;

/** Which files stood behind what a step has read, by the digest of the whole: so that two can be compared. */
export class FileIndexes {
  readonly #directory: string;
  readonly #known: Set<string>;
  #sweep: NodeJS.Timeout | undefined;

  constructor(directory: string) {
    this.#directory = directory;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    this.#known = new Set(readdirSync(directory));
  }

  put(digest: string, entries: FileEntries): void {
    if (this.#known.has(digest) || entries.length > mostEntries) return;
    const text = entries.map(([path, entry]) => `${path}\0${shortened(entry)}\0`).join('');
    const path = join(this.#directory, digest);
    writeFileSync(`${path}.new`, text, { encoding: 'latin1', mode: 0o600 });
    renameSync(`${path}.new`, path);
    this.#known.add(digest);
  }

  /** Names are byte strings. */
  get(digest: string): ReadonlyMap<string, string> | undefined {
    const path = join(this.#directory, digest);
    if (!this.#known.has(digest) || !existsSync(path)) return undefined;
    const fields = readFileSync(path, 'latin1').split('\0');
    const entries = new Map<string, string>();
    for (let at = 0; at + 1 < fields.length; at += 2) entries.set(fields[at]!, fields[at + 1]!);
    return entries;
  }

  /** Removes in a while what is not among the digests that are read then. */
  sweepLater(readDigests: () => ReadonlySet<string>): void {
    this.#sweep ??= setTimeout(() => {
      this.#sweep = undefined;
      const kept = readDigests();
      for (const name of readdirSync(this.#directory)) {
        if (kept.has(name)) continue;
        this.#known.delete(name);
        rmSync(join(this.#directory, name), { force: true });
      }
    }, sweepMilliseconds);
    this.#sweep.unref();
  }
}

/** Mode and owner as they are, content as the beginning of its digest. */
export function shortened(entry: string): string {
  return entry.replace(/\b([0-9a-f]{20})[0-9a-f]{44}\b/g, '$1');
}
