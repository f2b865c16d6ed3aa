import {
  closeSync,
  existsSync,
  fstatSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { timeOfLine } from './line-time.ts';
import { IndexWriter, indexDirectory } from './log-index.ts';
import { nameOf } from './packed-name.ts';

export interface LogFileOptions {
  readonly path: string;
  /** Bytes; undefined is unbounded. */
  readonly maxSize: number | undefined;
  /** Files in all, the current one included. */
  readonly maxFiles: number;
  /** Writes a compressed copy of a rotated file. */
  readonly compress: ((source: string, target: string, log: string) => Promise<void>) | undefined;
  /** False while the file of this name must stay: somebody has yet to read it. */
  readonly mayRemove?: (name: string) => boolean;
}

/** A log on disk: `path`, and when that is full `path.1` (the newest) to `path.<maxFiles - 1>`, or those with .gz. */
export class LogFile {
  readonly #options: LogFileOptions;
  #fd: number;
  #size: number;
  #name: string | undefined;
  #index: IndexWriter;
  /** The number that the file being compressed has by now. */
  #compressing: number | undefined;

  constructor(options: LogFileOptions) {
    this.#options = options;
    this.#fd = openSync(options.path, 'a', 0o640);
    this.#size = fstatSync(this.#fd).size;
    this.#index = new IndexWriter(options.path, this.#size, () => this.name);
  }

  /** What the file still takes before it is rotated; the last write may go beyond it. */
  get room(): number {
    return this.#options.maxSize === undefined ? Number.POSITIVE_INFINITY : this.#options.maxSize - this.#size;
  }

  /** The time of its first line; undefined while it has none. */
  get name(): string | undefined {
    if (this.#name === undefined && this.#size > 0) this.#name = readName(this.#options.path);
    return this.#name;
  }

  /** True while the next rotation would remove what has to stay. */
  get full(): boolean {
    const { mayRemove } = this.#options;
    if (!mayRemove || this.room > 0) return false;
    const oldest = this.#oldest();
    const name = oldest === undefined ? undefined : readName(oldest);
    return name !== undefined && !mayRemove(name);
  }

  /** Whole lines only: a rotation never cuts one. `time` is theirs. */
  append(bytes: Uint8Array, time: string): void {
    // What one chunk goes beyond the limit is held, until there is a place for it, by whoever looks at `full`.
    if (this.room <= 0 && !this.full) this.#rotate();
    if (this.#size === 0) this.#name = time;
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd, bytes, at, bytes.length - at);
    this.#size += bytes.length;
    this.#index.wrote(this.#size, time);
  }

  close(): void {
    this.#index.close();
    closeSync(this.#fd);
  }

  /** What the next rotation removes. */
  #oldest(): string | undefined {
    const { path, maxFiles } = this.#options;
    if (maxFiles < 2) return path;
    return ['', '.gz'].map((extension) => `${path}.${maxFiles - 1}${extension}`).find((file) => existsSync(file));
  }

  #rotate(): void {
    const { path, maxFiles, compress } = this.#options;
    this.#index.close();
    const oldest = this.#oldest();
    if (oldest !== undefined) this.#remove(oldest);
    for (let number = maxFiles - 2; number >= 1; number--) {
      for (const extension of ['', '.gz']) {
        const from = `${path}.${number}${extension}`;
        if (existsSync(from)) renameSync(from, `${path}.${number + 1}${extension}`);
      }
    }
    const full = this.#fd;
    // A single file is not truncated in place: a reader would take the new beginning for the middle of the old log.
    if (maxFiles >= 2) renameSync(path, `${path}.1`);
    this.#fd = openSync(path, 'a', 0o640);
    this.#size = 0;
    this.#name = undefined;
    this.#index = new IndexWriter(path, 0, () => this.#name);
    if (this.#compressing !== undefined) this.#compressing += 1;
    if (compress && maxFiles >= 2 && this.#compressing === undefined) void this.#compress(full, compress);
    else closeSync(full);
  }

  #remove(file: string): void {
    const name = readName(file);
    rmSync(file, { force: true });
    for (const extension of ['', '.gz'])
      rmSync(`${this.#options.path}.${this.#options.maxFiles - 1}${extension}`, { force: true });
    if (name !== undefined) this.#sweepIndex(name);
  }

  /** Indexes of files that are gone; a compression that was cut short leaves one, too. */
  #sweepIndex(upTo: string): void {
    const directory = indexDirectory(this.#options.path);
    if (!existsSync(directory)) return;
    for (const name of readdirSync(directory)) if (name <= upTo) rmSync(`${directory}/${name}`, { force: true });
  }

  async #compress(fd: number, compress: NonNullable<LogFileOptions['compress']>): Promise<void> {
    const { path, maxFiles } = this.#options;
    const copy = `${path}.compressing`;
    this.#compressing = 1;
    try {
      // By its descriptor: its name may be another file's before it is opened.
      await compress(`/proc/${process.pid}/fd/${fd}`, copy, path);
      const source = `${path}.${this.#compressing}`;
      if (this.#compressing >= maxFiles || statSync(source).ino !== fstatSync(fd).ino) rmSync(copy);
      else {
        renameSync(copy, `${source}.gz`);
        rmSync(source);
      }
    } catch {
      // The plain file stays, and is as good for reading.
      rmSync(copy, { force: true });
    } finally {
      this.#compressing = undefined;
      closeSync(fd);
    }
  }
}

/** Enough for the longest line with everything in it escaped. */
const firstLineLimit = 256 * 1024;

function readName(path: string): string | undefined {
  const fd = openSync(path, 'r');
  try {
    for (let size = 4096; ; size *= 8) {
      const head = Buffer.alloc(size);
      const length = readSync(fd, head, 0, size, 0);
      if (path.endsWith('.gz')) return nameOf(head.subarray(0, length));
      const end = head.subarray(0, length).indexOf(10);
      if (end >= 0) return timeOfLine(head.toString('latin1', 0, end));
      if (length < size || size > firstLineLimit) return undefined;
    }
  } finally {
    closeSync(fd);
  }
}
