import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { createGunzip } from 'node:zlib';
import { hasErrno } from '@wharf/sys/errno';

/** One file of a rotated log, open: renaming and removing it does not matter any more. */
export interface LogSource extends AsyncDisposable {
  readonly inode: number;
  /** Whole lines from `offset` on, as latin1, to the present end; a compressed file ignores `offset`. */
  blocks(offset: number): AsyncGenerator<string>;
  /** Behind the last whole line that `blocks` gave. */
  readonly position: number;
}

const blockSize = 256 * 1024;

/** The files of a log from the oldest to the current one. Empty if nothing was ever written. */
export async function openLogSources(path: string): Promise<LogSource[]> {
  for (;;) {
    const current = await openSource(path);
    if (!current) return [];
    const rotated = await openRotated(path);
    // A rotation in between would give a file twice, or leave one out.
    if ((await inodeOf(path)) === current.inode) return [...rotated, current];
    for (const source of [...rotated, current]) await source[Symbol.asyncDispose]();
  }
}

async function openRotated(path: string): Promise<LogSource[]> {
  const name = basename(path);
  const numbers = (await readdir(dirname(path))).flatMap((entry) => {
    const match = entry.startsWith(`${name}.`) ? /^(\d+)(?:\.gz)?$/.exec(entry.slice(name.length + 1)) : null;
    return match ? [Number(match[1])] : [];
  });
  const sources: LogSource[] = [];
  for (const number of [...new Set(numbers)].sort((a, b) => b - a)) {
    // When it has just been compressed, the plain file is still the same log.
    const source = (await openSource(`${path}.${number}`)) ?? (await openSource(`${path}.${number}.gz`));
    if (source) sources.push(source);
  }
  return sources;
}

export async function openSource(path: string): Promise<LogSource | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
  const { ino } = await file.stat();
  return path.endsWith('.gz') ? new CompressedSource(file, ino) : new PlainSource(file, ino);
}

export async function inodeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).ino;
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

class PlainSource implements LogSource {
  readonly inode: number;
  readonly file: FileHandle;
  position = 0;

  constructor(file: FileHandle, inode: number) {
    this.file = file;
    this.inode = inode;
  }

  async *blocks(offset: number): AsyncGenerator<string> {
    this.position = offset;
    let begun = '';
    for (let at = offset; ; ) {
      const buffer = Buffer.allocUnsafe(blockSize);
      const { bytesRead } = await this.file.read(buffer, 0, blockSize, at);
      if (bytesRead === 0) return;
      at += bytesRead;
      const text = begun + buffer.toString('latin1', 0, bytesRead);
      const end = text.lastIndexOf('\n') + 1;
      begun = text.slice(end);
      this.position += end;
      if (end > 0) yield text.slice(0, end);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.file.close();
  }
}

class CompressedSource implements LogSource {
  readonly inode: number;
  readonly position = 0;
  readonly #file: FileHandle;

  constructor(file: FileHandle, inode: number) {
    this.#file = file;
    this.inode = inode;
  }

  async *blocks(): AsyncGenerator<string> {
    const plain = createGunzip({ chunkSize: blockSize });
    const packed = this.#file.createReadStream({ autoClose: false, start: 0 });
    packed.on('error', (error) => plain.destroy(error));
    packed.pipe(plain);
    let begun = '';
    for await (const chunk of plain as AsyncIterable<Buffer>) {
      const text = begun + chunk.toString('latin1');
      const end = text.lastIndexOf('\n') + 1;
      begun = text.slice(end);
      if (end > 0) yield text.slice(0, end);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
  }
}

/**
 * Where the last `count` lines begin: a source and an offset in it. Scans backward from the end; a compressed file is
 * counted from its beginning, for there is no other way.
 */
export async function findTail(
  sources: readonly LogSource[],
  count: number,
): Promise<{ index: number; offset: number; skip: number }> {
  let left = count;
  for (let index = sources.length - 1; index >= 0; index--) {
    const source = sources[index]!;
    if (source instanceof PlainSource) {
      const found = await scanBackward(source.file, left);
      if (found.offset !== undefined) return { index, offset: found.offset, skip: 0 };
      left -= found.lines;
    } else {
      let lines = 0;
      for await (const text of source.blocks(0)) lines += countLines(text);
      if (lines >= left) return { index, offset: 0, skip: lines - left };
      left -= lines;
    }
  }
  return { index: 0, offset: 0, skip: 0 };
}

async function scanBackward(file: FileHandle, count: number): Promise<{ offset: number | undefined; lines: number }> {
  const { size } = await file.stat();
  if (count === 0) return { offset: await lastLineEnd(file, size), lines: 0 };
  const buffer = Buffer.allocUnsafe(64 * 1024);
  let lines = 0;
  for (let end = size; end > 0; ) {
    const from = Math.max(0, end - buffer.length);
    const { bytesRead } = await file.read(buffer, 0, end - from, from);
    for (let at = buffer.lastIndexOf(10, bytesRead - 1); at >= 0; at = at === 0 ? -1 : buffer.lastIndexOf(10, at - 1)) {
      if (lines === count) return { offset: from + at + 1, lines };
      lines += 1;
    }
    end = from;
  }
  return { offset: lines === count ? 0 : undefined, lines };
}

/** Behind the last newline: the writer appends whole lines, but may be in the middle of one. */
async function lastLineEnd(file: FileHandle, size: number): Promise<number> {
  const buffer = Buffer.allocUnsafe(64 * 1024);
  const from = Math.max(0, size - buffer.length);
  const { bytesRead } = await file.read(buffer, 0, size - from, from);
  return bytesRead === 0 ? 0 : from + buffer.lastIndexOf(10, bytesRead - 1) + 1;
}

export function countLines(text: string): number {
  let lines = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines += 1;
  return lines;
}
