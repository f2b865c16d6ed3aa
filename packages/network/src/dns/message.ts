import { type Address, addressBytes } from '../address.ts';

/** RFC 1035, as much of it as a forwarding resolver with a few names of its own needs. */
export const recordTypes = { a: 1, ptr: 12, aaaa: 28 } as const;
export const responseCodes = { noError: 0, formatError: 1, serverFailure: 2, nameError: 3, refused: 5 } as const;
export type ResponseCode = (typeof responseCodes)[keyof typeof responseCodes];

const classInternet = 1;
const headerLength = 12;
const flagResponse = 0x8000;
const flagAuthoritative = 0x0400;
const flagTruncated = 0x0200;
const flagRecursionDesired = 0x0100;
const flagRecursionAvailable = 0x0080;
const optRecord = 41;
/** As Docker's own resolver answers. */
const ttlSeconds = 600;
const pointerToQuestion = 0xc00c;

export interface Query {
  readonly bytes: Buffer;
  readonly id: number;
  /** Lower case, without the final dot. */
  readonly name: string;
  readonly type: number;
  /** True for a standard query of class IN. */
  readonly standard: boolean;
  /** Where the question ends. */
  readonly questionEnd: number;
  /** The largest answer the client takes over UDP. */
  readonly maxUdpLength: number;
}

export type Answer = { readonly address: Address } | { readonly pointer: string };

/** Undefined for bytes that are no query with exactly one question. */
export function parseQuery(bytes: Buffer): Query | undefined {
  if (bytes.length < headerLength) return undefined;
  const flags = bytes.readUInt16BE(2);
  if (flags & flagResponse || bytes.readUInt16BE(4) !== 1) return undefined;
  const name = parseName(bytes, headerLength);
  if (!name || name.end + 4 > bytes.length) return undefined;
  const questionEnd = name.end + 4;
  return {
    bytes,
    id: bytes.readUInt16BE(0),
    name: name.text,
    type: bytes.readUInt16BE(name.end),
    standard: (flags & 0x7800) === 0 && bytes.readUInt16BE(name.end + 2) === classInternet,
    questionEnd,
    maxUdpLength: ednsLength(bytes, questionEnd) ?? 512,
  };
}

/** Names of questions are never compressed: a pointer there is refused. */
function parseName(bytes: Buffer, start: number): { text: string; end: number } | undefined {
  const labels: string[] = [];
  let offset = start;
  while (offset < bytes.length) {
    const length = bytes[offset]!;
    if (length === 0) return { text: labels.join('.').toLowerCase(), end: offset + 1 };
    if (length > 63 || offset + 1 + length > bytes.length || offset - start > 255) return undefined;
    labels.push(bytes.toString('latin1', offset + 1, offset + 1 + length));
    offset += 1 + length;
  }
  return undefined;
}

/** The OPT record of a query follows its question directly where it is the only additional record. RFC 6891. */
function ednsLength(bytes: Buffer, offset: number): number | undefined {
  const alone = bytes.readUInt16BE(6) === 0 && bytes.readUInt16BE(8) === 0 && bytes.readUInt16BE(10) > 0;
  if (!alone || offset + 5 > bytes.length || bytes[offset] !== 0 || bytes.readUInt16BE(offset + 1) !== optRecord) {
    return undefined;
  }
  return Math.max(512, bytes.readUInt16BE(offset + 3));
}

/** Answers a query; the caller's `limit` sets the truncation bit instead of sending more. */
export function encodeResponse(query: Query, code: ResponseCode, answers: readonly Answer[], limit = 65535): Buffer {
  const question = query.bytes.subarray(headerLength, query.questionEnd);
  const records = answers.map(encodeAnswer);
  let length = headerLength + question.length;
  const fitting = records.filter((record) => {
    length += record.length;
    return length <= limit;
  });
  const header = Buffer.alloc(headerLength);
  const asked = query.bytes.readUInt16BE(2) & flagRecursionDesired;
  const truncated = fitting.length < records.length ? flagTruncated : 0;
  const authoritative = code === responseCodes.noError ? flagAuthoritative : 0;
  header.writeUInt16BE(query.id, 0);
  header.writeUInt16BE(flagResponse | flagRecursionAvailable | authoritative | asked | truncated | code, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(fitting.length, 6);
  return Buffer.concat([header, question, ...fitting]);
}

function encodeAnswer(answer: Answer): Buffer {
  const data = 'address' in answer ? addressBytes(answer.address) : encodeName(answer.pointer);
  const type = 'pointer' in answer ? recordTypes.ptr : answer.address.family === 4 ? recordTypes.a : recordTypes.aaaa;
  const record = Buffer.alloc(12 + data.length);
  record.writeUInt16BE(pointerToQuestion, 0);
  record.writeUInt16BE(type, 2);
  record.writeUInt16BE(classInternet, 4);
  record.writeUInt32BE(ttlSeconds, 6);
  record.writeUInt16BE(data.length, 10);
  record.set(data, 12);
  return record;
}

export function encodeName(name: string): Buffer {
  const labels = name.split('.').filter((label) => label !== '');
  const parts = labels.map((label) => {
    const bytes = Buffer.from(label, 'latin1').subarray(0, 63);
    return Buffer.concat([Uint8Array.of(bytes.length), bytes]);
  });
  return Buffer.concat([...parts, Uint8Array.of(0)]);
}

/** The address that a reverse name asks about: `2.0.17.172.in-addr.arpa`, or nibbles under `ip6.arpa`. */
export function parseReverseName(name: string): Address | undefined {
  const v4 = /^((?:\d{1,3}\.){4})in-addr\.arpa$/.exec(name);
  if (v4) {
    const parts = v4[1]!.split('.').slice(0, 4).reverse().map(Number);
    if (parts.some((part) => part > 255)) return undefined;
    return { family: 4, value: parts.reduce((value, part) => value * 256n + BigInt(part), 0n) };
  }
  const v6 = /^((?:[0-9a-f]\.){32})ip6\.arpa$/.exec(name);
  if (!v6) return undefined;
  return { family: 6, value: BigInt(`0x${v6[1]!.split('.').reverse().join('')}`) };
}
