import { formatPaxRecord } from './pax.ts';
import { type ByteString, blockSize, type TarEntry, type TarEntryType } from './tar-header.ts';

/** What the header needs; the rest has a fixed value, so that the same tree gives the same bytes. */
export type TarMember = Pick<TarEntry, 'type' | 'name'> & Partial<TarEntry>;

const typeFlags = {
  file: '0',
  link: '1',
  symlink: '2',
  character: '3',
  block: '4',
  directory: '5',
  fifo: '6',
} as const satisfies Record<TarEntryType, string>;

const noXattrs: ReadonlyMap<ByteString, Buffer> = new Map();
const largestOctal = 0o77777777777;
const largestId = 0o7777777;

/**
 * A member's headers: ustar, preceded by a PAX header only where ustar cannot say it (long or non-ASCII names, large
 * numbers, fractions of a second, attributes). Records are sorted, so equal members give equal bytes.
 */
export function formatTarHeader(member: TarMember): Buffer {
  const { type, linkName = '', xattrs = noXattrs } = member;
  const name = type === 'directory' && !member.name.endsWith('/') ? `${member.name}/` : member.name;
  const size = type === 'file' ? (member.size ?? 0) : 0;
  const mtime = member.mtime ?? 0n;
  const seconds = mtime / 1_000_000_000n;
  const records = new Map<string, Uint8Array>();
  const say = (key: string, text: string) => void records.set(key, Buffer.from(text, 'latin1'));

  if (name.length > 100 || !isAscii(name)) say('path', name);
  if (linkName.length > 100 || !isAscii(linkName)) say('linkpath', linkName);
  if (size > largestOctal) say('size', String(size));
  if ((member.uid ?? 0) > largestId) say('uid', String(member.uid));
  if ((member.gid ?? 0) > largestId) say('gid', String(member.gid));
  if (mtime < 0n || mtime % 1_000_000_000n !== 0n || seconds > BigInt(largestOctal)) say('mtime', formatTime(mtime));
  for (const [key, value] of xattrs) records.set(`SCHILY.xattr.${key}`, value);

  const fields = {
    typeFlag: typeFlags[type],
    name: asciiOnly(name).slice(0, 100),
    linkName: asciiOnly(linkName).slice(0, 100),
    mode: member.mode ?? 0o644,
    uid: Math.min(member.uid ?? 0, largestId),
    gid: Math.min(member.gid ?? 0, largestId),
    size: Math.min(size, largestOctal),
    seconds: seconds < 0n || seconds > BigInt(largestOctal) ? 0 : Number(seconds),
    major: member.deviceMajor ?? 0,
    minor: member.deviceMinor ?? 0,
  };
  if (records.size === 0) return header(fields);
  const keys = [...records.keys()].sort();
  const body = Buffer.concat(keys.map((key) => formatPaxRecord(key, records.get(key)!)));
  const paxName = `PaxHeaders.0/${fields.name.split('/').filter(Boolean).pop() ?? ''}`.slice(0, 100);
  const pax = { ...fields, typeFlag: 'x', name: paxName, linkName: '', mode: 0o644, uid: 0, gid: 0, seconds: 0 };
  return Buffer.concat([header({ ...pax, size: body.length, major: 0, minor: 0 }), padded(body), header(fields)]);
}

/** Zeros after a member's data up to the next block. */
export function tarPadding(size: number): Buffer {
  return zeros.subarray(0, (blockSize - (size % blockSize)) % blockSize);
}

/** The two zero blocks that end an archive. */
export function tarTrailer(): Buffer {
  return zeros.subarray(0, 2 * blockSize);
}

const zeros = Buffer.alloc(2 * blockSize);

interface HeaderFields {
  readonly typeFlag: string;
  readonly name: string;
  readonly linkName: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly seconds: number;
  readonly major: number;
  readonly minor: number;
}

function header(fields: HeaderFields): Buffer {
  const block = Buffer.alloc(blockSize);
  const octal = (value: number, offset: number, length: number) =>
    block.write(value.toString(8).padStart(length - 1, '0'), offset, length - 1, 'latin1');
  block.write(fields.name, 0, 100, 'latin1');
  octal(fields.mode, 100, 8);
  octal(fields.uid, 108, 8);
  octal(fields.gid, 116, 8);
  octal(fields.size, 124, 12);
  octal(fields.seconds, 136, 12);
  block.write('        ', 148, 'latin1');
  block.write(fields.typeFlag, 156, 'latin1');
  block.write(fields.linkName, 157, 100, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  octal(fields.major, 329, 8);
  octal(fields.minor, 337, 8);
  let sum = 0;
  for (const byte of block) sum += byte;
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

function padded(body: Buffer): Buffer {
  return Buffer.concat([body, tarPadding(body.length)]);
}

function isAscii(text: ByteString): boolean {
  return /^[\x00-\x7f]*$/.test(text);
}

function asciiOnly(text: ByteString): string {
  return text.replace(/[^\x00-\x7f]/g, '_');
}

function formatTime(nanoseconds: bigint): string {
  const magnitude = nanoseconds < 0n ? -nanoseconds : nanoseconds;
  const fraction = String(magnitude % 1_000_000_000n)
    .padStart(9, '0')
    .replace(/0+$/, '');
  const whole = `${nanoseconds < 0n ? '-' : ''}${magnitude / 1_000_000_000n}`;
  return fraction === '' ? whole : `${whole}.${fraction}`;
}
