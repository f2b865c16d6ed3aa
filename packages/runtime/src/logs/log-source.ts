import { readSync, statSync } from 'node:fs';
import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { hasErrno } from '@wharf/sys/errno';
import { timeOfLine } from './line-time.ts';
import { type IndexedBlock, indexPath, readIndex } from './log-index.ts';
import { nameOf } from './packed-name.ts';

/** Nanoseconds since 1970, both inclusive; a file's stretches without such lines are not read. */
export interface TimeWindow {
  readonly since: bigint | undefined;
  readonly until: bigint | undefined;
}

export const allTimes: TimeWindow = { since: undefined, until: undefined };

/** One file of a rotated log, open: renaming and removing it does not matter any more. */
export interface LogSource extends AsyncDisposable {
  readonly inode: number;
  /** The time of its first line, which no other file of the log has; undefined while it has none. */
  name(): Promise<string | undefined>;
  /** Whole lines from `offset` on, as latin1, to the present end. Offsets are the plain file's. */
  blocks(offset: number, times?: TimeWindow): AsyncGenerator<string>;
  /** As `blocks`, for what has only just been written. */
  newBlocks(offset: number, times?: TimeWindow): AsyncGenerator<string>;
  /** Behind the last whole line that `blocks` gave or passed over. */
  readonly position: number;
  /** Where the last `count` lines begin, or how many there are if they are fewer. */
  tail(count: number): Promise<Tail>;
}

export type Tail =
  | { readonly offset: number /** Lines from there that are too many. */; readonly skip: number }
  | { readonly offset: undefined; readonly lines: number };

const blockSize = 256 * 1024;
const newSize = 64 * 1024;
const patientLooks = 100;

/** The files of a log from the oldest to the current one. Empty if nothing was ever written. */
export async function openLogSources(path: string): Promise<LogSource[]> {
  for (let looks = 1; ; looks++) {
    const before = await listFiles(path);
    const sources = await openAll(path, before);
    const after = await listFiles(path);
    // Whatever moment a rotation stands still at, each file has one name, and the names are in order. While it goes on,
    // a look at the directory may miss one.
    const found = after.map((name) => [name, sources.get(name)] as const);
    // A writer that was killed in the middle of a rotation has left no current file.
    const whole = after.length === 0 || after.at(-1) === path || looks > patientLooks;
    if (whole && after.join() === before.join() && (await areSame(found))) {
      return found.flatMap(([, source]) => source ?? []);
    }
    for (const source of sources.values()) await source[Symbol.asyncDispose]();
  }
}

/** Oldest first. When a file has just been compressed, the plain one is still the same log. */
async function listFiles(path: string): Promise<string[]> {
  const name = basename(path);
  const byNumber = new Map<number, string>();
  for (const entry of (await entriesOf(dirname(path))).sort().reverse()) {
    const match = entry.startsWith(name) ? /^(?:\.(\d+)(?:\.gz)?)?$/.exec(entry.slice(name.length)) : null;
    if (match) byNumber.set(Number(match[1] ?? 0), entry);
  }
  return [...byNumber].sort(([a], [b]) => b - a).map(([, entry]) => join(dirname(path), entry));
}

async function entriesOf(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return [];
    throw error;
  }
}

async function openAll(path: string, names: readonly string[]): Promise<Map<string, LogSource>> {
  const opened = await Promise.all(names.map(async (name) => [name, await openSource(path, name)] as const));
  return new Map(opened.flatMap(([name, source]) => (source ? [[name, source]] : [])));
}

async function areSame(found: readonly (readonly [string, LogSource | undefined])[]): Promise<boolean> {
  const same = await Promise.all(found.map(async ([name, source]) => source?.inode === (await inodeOf(name))));
  return same.every(Boolean);
}

export async function openSource(log: string, path: string): Promise<LogSource | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
  const { ino } = await file.stat();
  return path.endsWith('.gz') ? new CompressedSource(log, file, ino) : new PlainSource(log, file, ino);
}

export async function inodeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).ino;
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** For a name that has just been written to: the kernel has it at hand, and a thread would be later by far. */
export function recentInodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}

/** The stretches of a file that may hold lines of the window; the last one is open. */
function* stretches(
  index: readonly IndexedBlock[],
  offset: number,
  { since, until }: TimeWindow,
): Generator<{ from: number; to: number | undefined; packedFrom: number; packedTo: number | undefined }> {
  let begin = 0;
  let packedBegin = 0;
  let from: number | undefined;
  let packedFrom = 0;
  for (const { end, packedEnd, first, last } of index) {
    const wanted = end > offset && (since === undefined || last >= since) && (until === undefined || first <= until);
    if (wanted && from === undefined) [from, packedFrom] = [begin, packedBegin];
    if (!wanted && from !== undefined) {
      yield { from, to: begin, packedFrom, packedTo: packedBegin };
      from = undefined;
    }
    [begin, packedBegin] = [end, packedEnd];
  }
  yield {
    from: from ?? begin,
    to: undefined,
    packedFrom: from === undefined ? packedBegin : packedFrom,
    packedTo: undefined,
  };
}

class PlainSource implements LogSource {
  readonly inode: number;
  readonly #log: string;
  readonly #file: FileHandle;
  #name: string | undefined;
  /** Used again for each line that is followed: a new one a line would soon be garbage to collect while one comes. */
  #recent: Buffer | undefined;
  position = 0;

  constructor(log: string, file: FileHandle, inode: number) {
    this.#log = log;
    this.#file = file;
    this.inode = inode;
  }

  async name(): Promise<string | undefined> {
    for (let size = 4096; this.#name === undefined; size *= 8) {
      const head = Buffer.allocUnsafe(size);
      const { bytesRead } = await this.#file.read(head, 0, size, 0);
      const end = head.subarray(0, bytesRead).indexOf(10);
      if (end >= 0) this.#name = timeOfLine(head.toString('latin1', 0, end));
      if (end >= 0 || bytesRead < size || size > blockSize) break;
    }
    return this.#name;
  }

  async *blocks(offset: number, times: TimeWindow = allTimes): AsyncGenerator<string> {
    this.position = offset;
    const bounded = times.since !== undefined || times.until !== undefined;
    const name = bounded ? await this.name() : undefined;
    const index = name === undefined ? [] : await readIndex(indexPath(this.#log, name));
    for (const { from, to } of stretches(index, offset, times)) yield* this.#read(Math.max(from, offset), to);
  }

  /**
   * A line has to be with its follower at once. It is still in the kernel's memory, so that reading it here takes
   * microseconds; a thread that has to wait for a processor takes milliseconds. Of much at once, threads read the rest.
   */
  async *newBlocks(offset: number, times: TimeWindow = allTimes): AsyncGenerator<string> {
    this.#recent ??= Buffer.allocUnsafeSlow(newSize);
    const buffer = this.#recent;
    const length = readSync(this.#file.fd, buffer, 0, newSize, offset);
    if (length === newSize) return yield* this.blocks(offset, times);
    const end = buffer.subarray(0, length).lastIndexOf(10) + 1;
    this.position = offset + end;
    if (end > 0) yield buffer.toString('latin1', 0, end);
  }

  async *#read(from: number, to = Number.POSITIVE_INFINITY): AsyncGenerator<string> {
    this.position = from;
    let begun = '';
    for (let at = from; at < to; ) {
      const buffer = Buffer.allocUnsafe(Math.min(blockSize, to - at));
      const { bytesRead } = await this.#file.read(buffer, 0, buffer.length, at);
      if (bytesRead === 0) return;
      at += bytesRead;
      const text = begun + buffer.toString('latin1', 0, bytesRead);
      const end = text.lastIndexOf('\n') + 1;
      begun = text.slice(end);
      this.position += end;
      if (end > 0) yield text.slice(0, end);
    }
  }

  /** Backward from the end: what is read is what was asked for, however long the file is. */
  async tail(count: number): Promise<Tail> {
    const { size } = await this.#file.stat();
    if (count === 0) return { offset: await this.#lastLineEnd(size), skip: 0 };
    const buffer = Buffer.allocUnsafe(64 * 1024);
    let lines = 0;
    for (let end = size; end > 0; ) {
      const from = Math.max(0, end - buffer.length);
      const { bytesRead } = await this.#file.read(buffer, 0, end - from, from);
      for (let at = newlineBefore(buffer, bytesRead); at >= 0; at = newlineBefore(buffer, at)) {
        if (lines === count) return { offset: from + at + 1, skip: 0 };
        lines += 1;
      }
      end = from;
    }
    return lines === count ? { offset: 0, skip: 0 } : { offset: undefined, lines };
  }

  /** Behind the last newline: the writer appends whole lines, but may be in the middle of one. */
  async #lastLineEnd(size: number): Promise<number> {
    const buffer = Buffer.allocUnsafe(64 * 1024);
    const from = Math.max(0, size - buffer.length);
    const { bytesRead } = await this.#file.read(buffer, 0, size - from, from);
    return bytesRead === 0 ? 0 : from + newlineBefore(buffer, bytesRead) + 1;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
  }
}

function newlineBefore(buffer: Buffer, at: number): number {
  return at === 0 ? -1 : buffer.lastIndexOf(10, at - 1);
}

class CompressedSource implements LogSource {
  readonly inode: number;
  readonly #log: string;
  readonly #file: FileHandle;
  position = 0;

  constructor(log: string, file: FileHandle, inode: number) {
    this.#log = log;
    this.#file = file;
    this.inode = inode;
  }

  async name(): Promise<string | undefined> {
    const head = Buffer.alloc(128);
    const { bytesRead } = await this.#file.read(head, 0, head.length, 0);
    const name = nameOf(head.subarray(0, bytesRead));
    if (name !== undefined) return name;
    // Another writer's: only its content tells.
    for await (const text of this.#inflate(0, undefined)) return timeOfLine(text, 0, text.indexOf('\n'));
    return undefined;
  }

  async *blocks(offset: number, times: TimeWindow = allTimes): AsyncGenerator<string> {
    for (const { from, packedFrom, packedTo } of stretches(await this.#index(), offset, times)) {
      this.position = from;
      for await (const text of this.#inflate(packedFrom, packedTo)) {
        const begin = this.position;
        this.position += text.length;
        const rest = begin >= offset ? text : text.slice(offset - begin);
        if (rest !== '') yield rest;
      }
    }
  }

  newBlocks(offset: number, times?: TimeWindow): AsyncGenerator<string> {
    return this.blocks(offset, times);
  }

  async tail(count: number): Promise<Tail> {
    const index = await this.#index();
    if (index.length === 0) return this.#tailUncounted(count);
    let left = count;
    for (const [at, { lines }] of [...index.entries()].reverse()) {
      if (lines >= left) return { offset: index[at - 1]?.end ?? 0, skip: lines - left };
      left -= lines;
    }
    return { offset: undefined, lines: count - left };
  }

  async #tailUncounted(count: number): Promise<Tail> {
    let lines = 0;
    for await (const text of this.#inflate(0, undefined)) lines += countLines(text);
    return lines >= count ? { offset: 0, skip: lines - count } : { offset: undefined, lines };
  }

  /** Empty for a file of another writer, or where the index still is the plain file's. */
  async #index(): Promise<readonly IndexedBlock[]> {
    const name = await this.name();
    const index = name === undefined ? [] : await readIndex(indexPath(this.#log, name));
    return index.every(({ packedEnd }) => packedEnd > 0) ? index : [];
  }

  async *#inflate(from: number, to: number | undefined): AsyncGenerator<string> {
    const { size } = await this.#file.stat();
    if (from >= size) return;
    const plain = createGunzip({ chunkSize: blockSize });
    // Not a stream of the file's own: on Bun that closes the file when it ends.
    const packed = Readable.from(this.#packed(from, to ?? size));
    packed.on('error', (error) => plain.destroy(error));
    packed.pipe(plain);
    let begun = '';
    try {
      for await (const chunk of plain as AsyncIterable<Buffer>) {
        const text = begun + chunk.toString('latin1');
        const lineEnd = text.lastIndexOf('\n') + 1;
        begun = text.slice(lineEnd);
        if (lineEnd > 0) yield text.slice(0, lineEnd);
      }
    } finally {
      packed.destroy();
    }
  }

  async *#packed(from: number, to: number): AsyncGenerator<Buffer> {
    for (let at = from; at < to; ) {
      const buffer = Buffer.allocUnsafe(Math.min(blockSize, to - at));
      const { bytesRead } = await this.#file.read(buffer, 0, buffer.length, at);
      if (bytesRead === 0) return;
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
  }
}

/** Where the last `count` lines of a log begin: a source, an offset in it, and lines to drop from there. */
export async function findTail(
  sources: readonly LogSource[],
  count: number,
): Promise<{ index: number; offset: number; skip: number }> {
  let left = count;
  for (let index = sources.length - 1; index >= 0; index--) {
    const found = await sources[index]!.tail(left);
    if (found.offset !== undefined) return { index, offset: found.offset, skip: found.skip };
    left -= found.lines;
  }
  return { index: 0, offset: 0, skip: 0 };
}

export function countLines(text: string): number {
  let lines = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines += 1;
  return lines;
}
