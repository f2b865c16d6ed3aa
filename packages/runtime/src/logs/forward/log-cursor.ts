import { closeSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { tryLockFile } from '@wharf/sys/descriptor';
import { hasErrno } from '@wharf/sys/errno';

/** How far a log has been delivered. */
export interface LogPosition {
  /** The file, by the time of its first line. */
  readonly name: string;
  readonly offset: number;
}

const size = 64;

function cursorPath(log: string): string {
  return `${log}.cursor`;
}

function decode(text: string): LogPosition | undefined {
  const match = /^(\S{30}) (\d+)\s*$/.exec(text);
  return match ? { name: match[1]!, offset: Number(match[2]) } : undefined;
}

/** What has been delivered of a log; undefined while nothing has been. */
export function readCursor(log: string): LogPosition | undefined {
  try {
    return decode(readFileSync(cursorPath(log), 'latin1'));
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** A log's position on disk beside it, of one length and written in place; one process at a time holds it. */
export class LogCursor implements Disposable {
  readonly #fd: number;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** Undefined while another process delivers this log. */
  static tryOpen(log: string): LogCursor | undefined {
    const fd = openSync(cursorPath(log), 'a+', 0o640);
    closeSync(fd);
    const writable = openSync(cursorPath(log), 'r+');
    if (tryLockFile(writable)) return new LogCursor(writable);
    closeSync(writable);
    return undefined;
  }

  read(): LogPosition | undefined {
    const bytes = Buffer.alloc(size);
    return decode(bytes.toString('latin1', 0, readSync(this.#fd, bytes, 0, size, 0)));
  }

  write({ name, offset }: LogPosition): void {
    writeSync(this.#fd, Buffer.from(`${name} ${offset}`.padEnd(size - 1).concat('\n'), 'latin1'), 0, size, 0);
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}
