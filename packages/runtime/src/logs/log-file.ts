import { closeSync, existsSync, fstatSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';

export interface LogFileOptions {
  readonly path: string;
  /** Bytes; undefined is unbounded. */
  readonly maxSize: number | undefined;
  /** Files in all, the current one included. */
  readonly maxFiles: number;
  /** Writes a compressed copy of a rotated file. */
  readonly compress: ((source: string, target: string) => Promise<void>) | undefined;
}

/** A log on disk: `path`, and when that is full `path.1` (the newest) to `path.<maxFiles - 1>`, or those with .gz. */
export class LogFile {
  readonly #options: LogFileOptions;
  #fd: number;
  #size: number;
  /** The number that the file being compressed has by now. */
  #compressing: number | undefined;

  constructor(options: LogFileOptions) {
    this.#options = options;
    this.#fd = openSync(options.path, 'a', 0o640);
    this.#size = fstatSync(this.#fd).size;
  }

  /** What the file still takes before it is rotated; the last write may go beyond it. */
  get room(): number {
    return this.#options.maxSize === undefined ? Number.POSITIVE_INFINITY : this.#options.maxSize - this.#size;
  }

  /** Whole lines only: a rotation never cuts one. */
  append(bytes: Uint8Array): void {
    if (this.room <= 0) this.#rotate();
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd, bytes, at, bytes.length - at);
    this.#size += bytes.length;
  }

  close(): void {
    closeSync(this.#fd);
  }

  #rotate(): void {
    const { path, maxFiles, compress } = this.#options;
    this.#size = 0;
    if (maxFiles < 2) {
      // Not truncated in place: a reader would take the new beginning for the middle of the old log.
      closeSync(this.#fd);
      rmSync(path);
      this.#fd = openSync(path, 'a', 0o640);
      return;
    }
    for (const extension of ['', '.gz']) rmSync(`${path}.${maxFiles - 1}${extension}`, { force: true });
    for (let number = maxFiles - 2; number >= 1; number--) {
      for (const extension of ['', '.gz']) {
        const from = `${path}.${number}${extension}`;
        if (existsSync(from)) renameSync(from, `${path}.${number + 1}${extension}`);
      }
    }
    const full = this.#fd;
    renameSync(path, `${path}.1`);
    this.#fd = openSync(path, 'a', 0o640);
    if (this.#compressing !== undefined) this.#compressing += 1;
    if (compress && this.#compressing === undefined) void this.#compress(full, compress);
    else closeSync(full);
  }

  async #compress(fd: number, compress: NonNullable<LogFileOptions['compress']>): Promise<void> {
    const { path, maxFiles } = this.#options;
    const copy = `${path}.compressing`;
    this.#compressing = 1;
    try {
      // By its descriptor: its name may be another file's before it is opened.
      await compress(`/proc/${process.pid}/fd/${fd}`, copy);
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
