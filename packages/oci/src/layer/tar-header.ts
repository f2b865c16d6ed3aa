import { invalidArgument } from '@wharf/base/error';

export const blockSize = 512;

/** One char a byte: names in archives and file systems are bytes, not always UTF-8. */
export type ByteString = string;

export type TarEntryType = 'file' | 'directory' | 'link' | 'symlink' | 'character' | 'block' | 'fifo';

/** What a member says of itself, GNU and PAX extensions already applied. */
export interface TarEntry {
  readonly type: TarEntryType;
  readonly name: ByteString;
  /** Target of a hard or symbolic link. */
  readonly linkName: ByteString;
  /** Permissions with setuid, setgid and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of the file as it will be on disk: for a sparse one, holes included. */
  readonly size: number;
  /** Nanoseconds since 1970. */
  readonly mtime: bigint;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  readonly xattrs: ReadonlyMap<ByteString, Buffer>;
}

export function invalidTar(detail?: string): Error {
  return invalidArgument(`archive/tar: invalid tar header${detail ? `: ${detail}` : ''}`);
}

export function isZeroBlock(block: Buffer): boolean {
  // The first byte decides nearly always.
  if (block[0] !== 0) return false;
  for (const byte of block) if (byte !== 0) return false;
  return true;
}

/** Sum of all bytes, the checksum's own taken as spaces. Old writers summed signed bytes. */
export function verifyChecksum(block: Buffer): void {
  const expected = readNumber(block, 148, 8);
  let unsigned = 8 * 32;
  let signed = unsigned;
  for (let index = 0; index < blockSize; index++) {
    if (index === 148) index = 156;
    const byte = block[index]!;
    unsigned += byte;
    signed += byte < 128 ? byte : byte - 256;
  }
  if (expected !== unsigned && expected !== signed) throw invalidTar('checksum');
}

/** Text up to NUL or the field's end. */
export function readText(block: Buffer, offset: number, length: number): ByteString {
  let end = offset;
  while (end < offset + length && block[end] !== 0) end++;
  return block.toString('latin1', offset, end);
}

/** Octal digits amid spaces and NULs, or GNU's base 256 with its sign. */
export function readNumber(block: Buffer, offset: number, length: number): number {
  const first = block[offset]!;
  if (first & 0x80) return readBase256(block, offset, length);
  let value = 0;
  let index = offset;
  const end = offset + length;
  while (index < end && (block[index] === 32 || block[index] === 0)) index++;
  for (; index < end; index++) {
    const digit = block[index]!;
    if (digit === 32 || digit === 0) break;
    if (digit < 48 || digit > 55) throw invalidTar('number');
    value = value * 8 + (digit - 48);
  }
  return value;
}

function readBase256(block: Buffer, offset: number, length: number): number {
  const negative = (block[offset]! & 0x40) !== 0;
  let value = negative ? -1n : 0n;
  for (let index = 0; index < length; index++) {
    const byte = index === 0 ? (negative ? block[offset]! : block[offset]! & 0x7f) : block[offset + index]!;
    value = (value << 8n) | BigInt(byte);
  }
  const result = Number(BigInt.asIntN(64, value));
  if (!Number.isSafeInteger(result)) throw invalidTar('number');
  return result;
}
