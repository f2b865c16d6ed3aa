import { endOfString, type HeaderField, huffmanCodes, staticTable } from './hpack-tables.ts';
import { errorCodes, Http2Error } from './http2-error.ts';

/** What each entry of a table counts beside its bytes. RFC 7541, section 4.1 */
const entryOverhead = 32;
/** Ours, which every side starts with. */
const largestTable = 4096;

/** Reads header blocks (RFC 7541). One that is broken ends the connection: the tables of both sides would differ. */
export class HeaderDecoder {
  readonly #dynamic: HeaderField[] = [];
  #size = 0;
  #capacity = largestTable;

  decode(block: Buffer, mostBytes: number): HeaderField[] {
    const fields: HeaderField[] = [];
    const reader = new BlockReader(block);
    let left = mostBytes;
    while (!reader.atEnd) {
      const field = this.#field(reader);
      if (!field) continue;
      left -= sizeOf(field);
      if (left < 0) throw new Http2Error(errorCodes.enhanceYourCalm, 'headers of too many bytes');
      fields.push(field);
    }
    return fields;
  }

  /** Undefined for an order that concerns the table only. */
  #field(reader: BlockReader): HeaderField | undefined {
    const first = reader.peek();
    if ((first & 0x80) !== 0) return this.#entry(reader.integer(7));
    if ((first & 0xe0) === 0x20) {
      const capacity = reader.integer(5);
      if (capacity > largestTable) throw broken('a table that is larger than was agreed on');
      this.#capacity = capacity;
      this.#evict();
      return undefined;
    }
    const isIndexed = (first & 0xc0) === 0x40;
    const index = reader.integer(isIndexed ? 6 : 4);
    const name = index === 0 ? reader.text() : this.#entry(index)[0];
    const field: HeaderField = [name, reader.text()];
    if (isIndexed) this.#add(field);
    return field;
  }

  #entry(index: number): HeaderField {
    const field = index <= staticTable.length ? staticTable[index - 1] : this.#dynamic[index - staticTable.length - 1];
    if (!field) throw broken(`no field has the index ${index}`);
    return field;
  }

  #add(field: HeaderField): void {
    this.#dynamic.unshift(field);
    this.#size += sizeOf(field);
    this.#evict();
  }

  #evict(): void {
    while (this.#size > this.#capacity) this.#size -= sizeOf(this.#dynamic.pop()!);
  }
}

function sizeOf([name, value]: HeaderField): number {
  return name.length + value.length + entryOverhead;
}

function broken(what: string): Http2Error {
  return new Http2Error(errorCodes.compressionError, what);
}

class BlockReader {
  readonly #block: Buffer;
  #at = 0;

  constructor(block: Buffer) {
    this.#block = block;
  }

  get atEnd(): boolean {
    return this.#at >= this.#block.length;
  }

  peek(): number {
    const byte = this.#block[this.#at];
    if (byte === undefined) throw broken('a block that ends amid a field');
    return byte;
  }

  /** With a prefix of so many bits. RFC 7541, section 5.1 */
  integer(bits: number): number {
    const most = (1 << bits) - 1;
    let value = this.#byte() & most;
    if (value < most) return value;
    for (let shift = 0; ; shift += 7) {
      if (shift > 21) throw broken('a number that is too large');
      const byte = this.#byte();
      value += (byte & 0x7f) << shift;
      if ((byte & 0x80) === 0) return value;
    }
  }

  text(): string {
    const isPacked = (this.peek() & 0x80) !== 0;
    const length = this.integer(7);
    const bytes = this.#block.subarray(this.#at, this.#at + length);
    if (bytes.length < length) throw broken('a block that ends amid a text');
    this.#at += length;
    return isPacked ? unpack(bytes) : bytes.toString('latin1');
  }

  #byte(): number {
    const byte = this.peek();
    this.#at++;
    return byte;
  }
}

/** Huffman's code; what fills up the last byte is the beginning of the end's own code, all ones. */
function unpack(bytes: Buffer): string {
  const symbols: number[] = [];
  let code = 0;
  let bits = 0;
  for (const byte of bytes) {
    for (let mask = 0x80; mask > 0; mask >>= 1) {
      code = code * 2 + ((byte & mask) === 0 ? 0 : 1);
      bits++;
      const codes = huffmanCodes[bits];
      if (!codes) throw broken('a text in an unknown code');
      const symbol = codes.symbols[code - codes.first];
      if (symbol === undefined) continue;
      if (symbol === endOfString) throw broken('a text with its end in it');
      symbols.push(symbol);
      code = 0;
      bits = 0;
    }
  }
  if (bits > 7 || code !== 2 ** bits - 1) throw broken('a text that ends amid a letter');
  return Buffer.from(symbols).toString('latin1');
}

/** A header block of literal fields: it needs no table, and says so to the other side at its beginning. */
export function encodeHeaders(fields: Iterable<HeaderField>): Buffer {
  const parts: Buffer[] = [Buffer.from([0x20])];
  for (const [name, value] of fields) parts.push(Buffer.from([0]), encodeText(name), encodeText(value));
  return Buffer.concat(parts);
}

function encodeText(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  return Buffer.concat([encodeInteger(bytes.length, 7), bytes]);
}

function encodeInteger(value: number, bits: number): Buffer {
  const most = (1 << bits) - 1;
  if (value < most) return Buffer.from([value]);
  const bytes = [most];
  let rest = value - most;
  for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  bytes.push(rest);
  return Buffer.from(bytes);
}
