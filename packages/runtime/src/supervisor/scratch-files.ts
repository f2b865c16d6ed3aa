import { mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';

/** Short-lived files that go between supervisor and runtime. */
export class ScratchFiles {
  readonly directory: string;
  /** The directory through a descriptor: short enough for a socket's address whatever the exec-root. */
  readonly shortDirectory: string;
  #count = 0;

  constructor(directory: string) {
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    this.directory = directory;
    this.shortDirectory = `/proc/${process.pid}/fd/${openSync(directory, 'r')}`;
  }

  next(): string {
    this.#count += 1;
    return String(this.#count);
  }
}

/** Reads a small file and removes it; empty if there is none. */
export function takeFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  } finally {
    rmSync(path, { force: true });
  }
}
