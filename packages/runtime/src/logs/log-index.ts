import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasErrno } from '@wharf/sys/errno';
import { timeToNanos } from './line-time.ts';

/** A stretch of whole lines of a log file, so that a reader can pass over it unread. */
export interface IndexedBlock {
  /** Behind its last line, as the plain file counts. */
  readonly end: number;
  /** Behind its gzip member; 0 in a plain file. */
  readonly packedEnd: number;
  /** 0 where nobody has counted. */
  readonly lines: number;
  /** The earliest and the latest time in it, as nanoseconds: clocks may be set back. */
  readonly first: bigint;
  readonly last: bigint;
}

/** About so many bytes of log a block. */
export const indexedBlockSize = 256 * 1024;

const recordSize = 40;
/** What is known of lines whose times nobody has kept. */
export const anyTime = { first: 0n, last: 2n ** 64n - 1n } as const;

/**
 * Where the index of a log file lies: in a directory beside the log, under the time of the file's first line, which no
 * other file of that log has. So it needs no renaming when the log is rotated.
 */
export function indexPath(log: string, firstTime: string): string {
  return join(indexDirectory(log), firstTime);
}

export function indexDirectory(log: string): string {
  return `${log}.index`;
}

export function encodeBlocks(blocks: readonly IndexedBlock[]): Buffer {
  const bytes = Buffer.alloc(recordSize * blocks.length);
  for (const [at, { end, packedEnd, lines, first, last }] of blocks.entries()) {
    const values = [BigInt(end), BigInt(packedEnd), BigInt(lines), first, last];
    for (const [field, value] of values.entries()) bytes.writeBigUInt64LE(value, at * recordSize + field * 8);
  }
  return bytes;
}

/** The blocks of a file from its beginning, without gaps. Empty for a file that has no index: it is read as a whole. */
export async function readIndex(path: string): Promise<readonly IndexedBlock[]> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return [];
    throw error;
  }
  const blocks: IndexedBlock[] = [];
  for (let at = 0; at + recordSize <= bytes.length; at += recordSize) {
    const [end, packedEnd, lines] = [0, 8, 16].map((field) => Number(bytes.readBigUInt64LE(at + field)));
    // A disk that was full may have cut a record off in the middle.
    if (end! <= (blocks.at(-1)?.end ?? 0)) break;
    blocks.push({
      end: end!,
      packedEnd: packedEnd!,
      lines: lines!,
      first: bytes.readBigUInt64LE(at + 24),
      last: bytes.readBigUInt64LE(at + 32),
    });
  }
  return blocks;
}

/** Notes blocks of the file that is being written, as they fill up. Its file is made when the first is full. */
export class IndexWriter {
  readonly #log: string;
  readonly #name: () => string | undefined;
  #fd: number | undefined;
  #begin: number;
  #first: string | undefined;
  #last = '';
  #known: boolean;

  /** `size`: what the file holds already. Of its lines nothing is known but that they are there. */
  constructor(log: string, size: number, name: () => string | undefined) {
    this.#log = log;
    this.#name = name;
    this.#begin = size === 0 ? 0 : -1;
    this.#known = size === 0;
  }

  /** Whole lines were written at this time, up to `end`. */
  wrote(end: number, time: string): void {
    if (this.#first === undefined || time < this.#first) this.#first = time;
    if (time > this.#last) this.#last = time;
    if (end - this.#begin >= indexedBlockSize) this.#note(end);
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  #note(end: number): void {
    const times = this.#known ? { first: timeToNanos(this.#first!), last: timeToNanos(this.#last) } : anyTime;
    this.#fd ??= this.#open();
    if (this.#fd !== undefined) writeSync(this.#fd, encodeBlocks([{ end, packedEnd: 0, lines: 0, ...times }]));
    this.#begin = end;
    this.#known = true;
    this.#first = undefined;
    this.#last = '';
  }

  #open(): number | undefined {
    const name = this.#name();
    if (name === undefined) return undefined;
    mkdirSync(indexDirectory(this.#log), { recursive: true, mode: 0o710 });
    return openSync(indexPath(this.#log, name), 'a', 0o640);
  }
}
