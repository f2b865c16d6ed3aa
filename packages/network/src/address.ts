import { isIP } from 'node:net';

/** An IP address as a number, so that ranges are arithmetic. */
export interface Address {
  readonly family: 4 | 6;
  readonly value: bigint;
}

/** A subnet; `base` has no host bits. */
export interface Prefix {
  readonly family: 4 | 6;
  readonly base: bigint;
  readonly length: number;
}

const bits = { 4: 32, 6: 128 } as const;

/** Undefined for text that is not an address. An IPv4-mapped IPv6 address is an IPv4 address. */
export function parseAddress(text: string): Address | undefined {
  const kind = isIP(text);
  if (kind === 0 || text.includes('%')) return undefined;
  if (kind === 4) return { family: 4, value: parseIPv4(text) };
  const value = parseIPv6(text);
  if (value >> 32n === 0xffffn) return { family: 4, value: value & 0xffffffffn };
  return { family: 6, value };
}

function parseIPv4(text: string): bigint {
  return BigInt(text.split('.').reduce((value, part) => value * 256 + Number(part), 0));
}

function parseIPv6(text: string): bigint {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  if (dotted) {
    const last = parseIPv4(dotted[2]!);
    return parseIPv6(`${dotted[1]}${(last >> 16n).toString(16)}:${(last & 0xffffn).toString(16)}`);
  }
  const [head = '', tail] = text.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const middle = tail === undefined ? [] : new Array<string>(8 - before.length - after.length).fill('0');
  return [...before, ...middle, ...after].reduce((value, part) => (value << 16n) | BigInt(`0x${part}`), 0n);
}

/** Canonical text; for IPv6 as RFC 5952 has it. */
export function formatAddress({ family, value }: Address): string {
  if (family === 4) return ipv4Bytes(value).join('.');
  const groups = Array.from({ length: 8 }, (_, index) => ((value >> BigInt(112 - index * 16)) & 0xffffn).toString(16));
  let best = { start: 0, length: 1 };
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (groups[start + length] === '0') length++;
    if (length > best.length) best = { start, length };
  }
  if (best.length < 2) return groups.join(':');
  return `${groups.slice(0, best.start).join(':')}::${groups.slice(best.start + best.length).join(':')}`;
}

/** Network byte order. */
export function addressBytes({ family, value }: Address): Uint8Array {
  if (family === 4) return ipv4Bytes(value);
  const bytes = new Uint8Array(bits[family] / 8);
  for (let index = bytes.length - 1, rest = value; index >= 0; index--, rest >>= 8n) bytes[index] = Number(rest & 255n);
  return bytes;
}

/** Numbers are far cheaper than big ones, and hundreds of published ports need theirs in one go. */
function ipv4Bytes(value: bigint): Uint8Array {
  const number = Number(value);
  return Uint8Array.of(number >>> 24, number >>> 16, number >>> 8, number);
}

export function addressFromBytes(bytes: Uint8Array): Address {
  const value = bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  return { family: bytes.length === 4 ? 4 : 6, value };
}

/** `10.0.0.0/8`; host bits are cleared. Undefined for other text. */
export function parsePrefix(text: string): Prefix | undefined {
  const found = parseInterface(text);
  return found && prefixOf(found.address, found.length);
}

/** `10.0.0.1/8`: an address together with its subnet's length. */
export function parseInterface(text: string): { address: Address; length: number } | undefined {
  const match = /^([^/]+)\/(\d{1,3})$/.exec(text);
  const address = match && parseAddress(match[1]!);
  const length = Number(match?.[2]);
  if (!address || length > bits[address.family]) return undefined;
  return { address, length };
}

export function prefixOf({ family, value }: Address, length: number): Prefix {
  const host = BigInt(bits[family] - length);
  return { family, base: (value >> host) << host, length };
}

export function formatPrefix({ family, base, length }: Prefix): string {
  return `${formatAddress({ family, value: base })}/${length}`;
}

/** Number of addresses. */
export function prefixSize({ family, length }: Prefix): bigint {
  return 1n << BigInt(bits[family] - length);
}

/** The first address behind the prefix; undefined for a prefix that reaches the end of the address space. */
export function prefixEnd(prefix: Prefix): Address | undefined {
  const value = prefix.base + prefixSize(prefix);
  return value >> BigInt(bits[prefix.family]) === 0n ? { family: prefix.family, value } : undefined;
}

export function prefixContains(prefix: Prefix, { family, value }: Address): boolean {
  return prefix.family === family && value >= prefix.base && value < prefix.base + prefixSize(prefix);
}

export function prefixesOverlap(a: Prefix, b: Prefix): boolean {
  return a.family === b.family && a.base < b.base + prefixSize(b) && b.base < a.base + prefixSize(a);
}

export function isLoopback({ family, value }: Address): boolean {
  return family === 4 ? value >> 24n === 127n : value === 1n;
}

export function isUnspecified({ value }: Address): boolean {
  return value === 0n;
}
