import { invalidArgument } from '@wharf/base/error';
import { type PaxRecords, parsePax } from './pax.ts';
import {
  type ByteString,
  blockSize,
  invalidTar,
  isZeroBlock,
  readNumber,
  readText,
  type TarEntry,
  type TarEntryType,
  verifyChecksum,
} from './tar-header.ts';
import { checkRuns, readOldGnuRuns, readPaxRuns, SparseMapLines, type SparseRun } from './tar-sparse.ts';

/** Told of each part of the archive, in order and synchronously. Slices are only valid during the call. */
export interface TarHandler {
  entry(entry: TarEntry): void;
  /** Bytes of a regular file at `offset` of the file on disk. */
  data(bytes: Buffer, offset: number): void;
  endEntry(): void;
  /** Every byte that is not `data`: with those it makes the archive again, bit for bit. */
  raw?(bytes: Buffer): void;
}

/** A header's extensions in memory: long names, PAX records with their attributes. */
const maximumExtension = 1 << 20;
const maximumXattrs = 256;
const maximumName = 4096;
const xattrPrefix = 'SCHILY.xattr.';

const types: Record<string, TarEntryType> = {
  '\0': 'file',
  '0': 'file',
  '7': 'file',
  S: 'file',
  '1': 'link',
  '2': 'symlink',
  '3': 'character',
  '4': 'block',
  '5': 'directory',
  '6': 'fifo',
};

type Phase = 'header' | 'extension' | 'oldSparse' | 'sparseLines' | 'data' | 'padding' | 'end';

/**
 * A parser that is fed bytes in pieces of any size: v7, ustar, GNU (long names, sparse, base 256) and PAX (all
 * records, attributes, sparse 0.0 to 1.0). Throws invalid_argument `archive/tar: ...` on what is none of these.
 */
export class TarReader {
  readonly #handler: TarHandler;
  #phase: Phase = 'header';
  #block: Buffer = Buffer.alloc(blockSize);
  #filled = 0;
  #zeroBlocks = 0;
  /** Bytes of data or extension that the stream still holds, and the padding after them. */
  #left = 0;
  #padding = 0;
  #extension: Buffer[] = [];
  #extensionType = '';
  #pax: PaxRecords | undefined;
  #longName: ByteString | undefined;
  #longLink: ByteString | undefined;
  #runs: readonly SparseRun[] = [];
  #run = 0;
  #runDone = 0;
  #oldRuns: SparseRun[] = [];
  #header: Buffer = this.#block;
  #sparseLines: SparseMapLines | undefined;

  constructor(handler: TarHandler) {
    this.#handler = handler;
  }

  feed(chunk: Buffer): void {
    let offset = 0;
    while (offset < chunk.length) {
      if (this.#phase === 'data') offset += this.#feedData(chunk, offset);
      else if (this.#phase === 'extension') offset += this.#feedExtension(chunk, offset);
      else if (this.#phase === 'padding') offset += this.#feedPadding(chunk, offset);
      else if (this.#phase === 'end') {
        this.#handler.raw?.(chunk.subarray(offset));
        return;
      } else offset += this.#feedBlock(chunk, offset);
    }
  }

  /**
   * The stream has ended. Throws where it stopped in the middle of a member. What only fills the last block may be
   * missing, as in the contexts that `docker build -f` sends.
   */
  end(): void {
    if (this.#phase === 'end') return;
    const whole = this.#phase === 'header' || this.#phase === 'padding';
    if (!whole || this.#filled > 0 || this.#hasExtensions) throw invalidArgument('unexpected EOF');
  }

  get #hasExtensions(): boolean {
    return this.#pax !== undefined || this.#longName !== undefined || this.#longLink !== undefined;
  }

  #feedBlock(chunk: Buffer, offset: number): number {
    const available = chunk.length - offset;
    if (this.#filled === 0 && available >= blockSize) {
      this.#takeBlock(chunk.subarray(offset, offset + blockSize));
      return blockSize;
    }
    const count = Math.min(blockSize - this.#filled, available);
    chunk.copy(this.#block, this.#filled, offset, offset + count);
    this.#filled += count;
    if (this.#filled === blockSize) {
      this.#filled = 0;
      this.#takeBlock(this.#block);
    }
    return count;
  }

  #takeBlock(block: Buffer): void {
    this.#handler.raw?.(block);
    if (this.#phase === 'oldSparse') {
      if (!readOldGnuRuns(block, 0, 21, this.#oldRuns)) this.#beginEntry(this.#header, this.#oldRuns);
    } else if (this.#phase === 'sparseLines') {
      this.#left -= blockSize;
      const runs = this.#sparseLines!.push(block);
      if (runs) this.#beginEntry(this.#header, runs);
      else if (this.#left < blockSize) throw invalidTar('sparse map');
    } else if (isZeroBlock(block)) {
      this.#zeroBlocks++;
      if (this.#zeroBlocks === 2) this.#phase = 'end';
    } else {
      if (this.#zeroBlocks > 0) throw invalidTar();
      this.#takeHeader(block);
    }
  }

  #takeHeader(block: Buffer): void {
    verifyChecksum(block);
    const type = String.fromCharCode(block[156]!);
    const size = readNumber(block, 124, 12);
    if (size < 0) throw invalidTar('size');
    if (type === 'x' || type === 'g' || type === 'X' || type === 'L' || type === 'K') {
      if (size > maximumExtension) throw invalidTar('extension too large');
      this.#extensionType = type;
      this.#extension = [];
      this.#begin('extension', size);
      if (size === 0) this.#endExtension();
      return;
    }
    const pax = this.#pax;
    if (type === 'S') {
      this.#header = Buffer.from(block);
      this.#oldRuns = [];
      if (readOldGnuRuns(block, 386, 4, this.#oldRuns)) this.#phase = 'oldSparse';
      else this.#beginEntry(block, this.#oldRuns);
    } else if (pax?.text('GNU.sparse.major') === '1') {
      this.#header = Buffer.from(block);
      this.#sparseLines = new SparseMapLines();
      this.#left = pax.size('size') ?? size;
      this.#phase = 'sparseLines';
      if (this.#left < blockSize) throw invalidTar('sparse map');
    } else this.#beginEntry(block, pax && readPaxRuns(pax));
  }

  #feedExtension(chunk: Buffer, offset: number): number {
    const count = Math.min(this.#left, chunk.length - offset);
    const bytes = chunk.subarray(offset, offset + count);
    this.#handler.raw?.(bytes);
    this.#extension.push(Buffer.from(bytes));
    this.#left -= count;
    if (this.#left === 0) this.#endExtension();
    return count;
  }

  #endExtension(): void {
    const bytes = this.#extension.length === 1 ? this.#extension[0]! : Buffer.concat(this.#extension);
    this.#extension = [];
    switch (this.#extensionType) {
      case 'L':
        this.#longName = readText(bytes, 0, bytes.length);
        break;
      case 'K':
        this.#longLink = readText(bytes, 0, bytes.length);
        break;
      case 'g':
        // Global records name nothing that a layer needs; Docker passes over them as well.
        break;
      case 'x':
      case 'X':
        this.#pax = parsePax(bytes);
    }
    this.#phase = this.#padding > 0 ? 'padding' : 'header';
  }

  #feedPadding(chunk: Buffer, offset: number): number {
    const count = Math.min(this.#padding, chunk.length - offset);
    this.#handler.raw?.(chunk.subarray(offset, offset + count));
    this.#padding -= count;
    if (this.#padding === 0) this.#phase = 'header';
    return count;
  }

  #begin(phase: Phase, size: number): void {
    this.#phase = phase;
    this.#left = size;
    this.#padding = (blockSize - (size % blockSize)) % blockSize;
  }

  #beginEntry(header: Buffer, runs: readonly SparseRun[] | undefined): void {
    const linesTaken = this.#phase === 'sparseLines';
    const { entry, stored } = this.#describe(header, runs !== undefined);
    // Only regular files have a body; some writers set a size on directories and links.
    const body = entry.type === 'file' ? (linesTaken ? this.#left : stored) : 0;
    this.#runs = runs ? checkRuns(runs, entry.size) : [{ offset: 0, length: body }];
    if (this.#runs.reduce((sum, run) => sum + run.length, 0) !== body) throw invalidTar('sparse map');
    this.#run = 0;
    this.#runDone = 0;
    this.#pax = this.#longName = this.#longLink = undefined;
    this.#handler.entry(entry);
    this.#begin('data', body);
    if (body === 0) this.#endEntry();
  }

  #describe(header: Buffer, sparse: boolean): { entry: TarEntry; stored: number } {
    const typeFlag = String.fromCharCode(header[156]!);
    const pax = this.#pax;
    const name = pax?.text('GNU.sparse.name') ?? this.#longName ?? pax?.text('path') ?? shortName(header);
    const linkName = this.#longLink ?? pax?.text('linkpath') ?? readText(header, 157, 100);
    if (name.length > maximumName || linkName.length > maximumName) throw invalidTar('name too long');
    if (name.includes('\0') || linkName.includes('\0')) throw invalidTar('name');
    // A v7 directory is a file whose name ends with a slash.
    const plain = types[typeFlag];
    if (!plain) throw invalidTar(`type ${JSON.stringify(typeFlag)}`);
    const type = plain === 'file' && name.endsWith('/') ? 'directory' : plain;
    const stored = pax?.size('size') ?? readNumber(header, 124, 12);
    const oldRealSize = typeFlag === 'S' ? readNumber(header, 483, 12) : undefined;
    const realSize = pax?.size('GNU.sparse.realsize') ?? pax?.size('GNU.sparse.size') ?? oldRealSize ?? stored;
    const xattrs = new Map<ByteString, Buffer>(pax?.entries(xattrPrefix) ?? []);
    if (xattrs.size > maximumXattrs) throw invalidTar('too many extended attributes');
    const seconds = readNumber(header, 136, 12);
    const entry: TarEntry = {
      type,
      name,
      linkName,
      mode: readNumber(header, 100, 8) & 0o7777,
      uid: ownerOf(pax?.size('uid') ?? readNumber(header, 108, 8)),
      gid: ownerOf(pax?.size('gid') ?? readNumber(header, 116, 8)),
      size: type === 'file' ? (sparse ? realSize : stored) : 0,
      mtime: pax?.time('mtime') ?? BigInt(seconds) * 1_000_000_000n,
      deviceMajor: isUstar(header) ? readNumber(header, 329, 8) : 0,
      deviceMinor: isUstar(header) ? readNumber(header, 337, 8) : 0,
      xattrs,
    };
    return { entry, stored };
  }

  #feedData(chunk: Buffer, start: number): number {
    let offset = start;
    const end = start + Math.min(this.#left, chunk.length - start);
    while (offset < end) {
      const run = this.#runs[this.#run]!;
      const count = Math.min(run.length - this.#runDone, end - offset);
      if (count > 0) this.#handler.data(chunk.subarray(offset, offset + count), run.offset + this.#runDone);
      this.#runDone += count;
      offset += count;
      if (this.#runDone === run.length) {
        this.#run++;
        this.#runDone = 0;
      }
    }
    this.#left -= offset - start;
    if (this.#left === 0) this.#endEntry();
    return offset - start;
  }

  #endEntry(): void {
    this.#phase = this.#padding > 0 ? 'padding' : 'header';
    this.#handler.endEntry();
  }
}

function isUstar(header: Buffer): boolean {
  return header[257] === 0x75 && header[258] === 0x73 && header[259] === 0x74 && header[260] === 0x61;
}

function shortName(header: Buffer): ByteString {
  const name = readText(header, 0, 100);
  // GNU's header has other fields where ustar has the prefix: "ustar " against "ustar\0".
  if (!isUstar(header) || header[262] !== 0) return name;
  const prefix = readText(header, 345, 155);
  return prefix === '' ? name : `${prefix}/${name}`;
}

function ownerOf(id: number): number {
  // -1 would mean "leave as it is" to chown(2).
  if (id < 0 || id >= 0xffffffff) throw invalidTar('owner');
  return id;
}
