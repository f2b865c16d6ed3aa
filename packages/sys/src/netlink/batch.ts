const NLM_F_REQUEST = 1;
const headerLength = 16;

const align = (length: number) => (length + 3) & ~3;

/**
 * One or more netlink messages in one buffer, for one sendto(2). Integers are little-endian where the kernel
 * takes the host's order (both architectures are), big-endian where a method says so.
 */
export class NetlinkBatch {
  #buffer = Buffer.alloc(2048);
  #length = 0;

  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  /** Appends a message: its family header, then whatever attributes `body` writes. */
  message(type: number, flags: number, header: Uint8Array, body?: (attributes: NetlinkBatch) => void): this {
    const start = this.#length;
    this.#reserve(headerLength);
    this.#length += headerLength;
    this.#append(header);
    body?.(this);
    this.#buffer.writeUInt32LE(this.#length - start, start);
    this.#buffer.writeUInt16LE(type, start + 4);
    this.#buffer.writeUInt16LE(flags | NLM_F_REQUEST, start + 6);
    return this;
  }

  attribute(type: number, value: Uint8Array): this {
    this.#reserve(4 + value.length);
    this.#buffer.writeUInt16LE(4 + value.length, this.#length);
    this.#buffer.writeUInt16LE(type, this.#length + 2);
    this.#length += 4;
    return this.#append(value);
  }

  nested(type: number, body: () => void): this {
    const start = this.#length;
    this.#reserve(4);
    this.#length += 4;
    body();
    this.#buffer.writeUInt16LE(this.#length - start, start);
    this.#buffer.writeUInt16LE(type | 0x8000, start + 2);
    return this;
  }

  /** With its NUL. */
  text(type: number, value: string): this {
    return this.attribute(type, Buffer.from(`${value}\0`));
  }

  u8(type: number, value: number): this {
    return this.attribute(type, Uint8Array.of(value));
  }

  u16(type: number, value: number): this {
    return this.attribute(type, Uint8Array.of(value & 255, value >> 8));
  }

  u32(type: number, value: number): this {
    return this.attribute(type, new Uint8Array(Uint32Array.of(value).buffer));
  }

  /** Big-endian, as all of netfilter wants its integers. */
  u32be(type: number, value: number): this {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value >>> 0);
    return this.attribute(type, bytes);
  }

  #append(bytes: Uint8Array): this {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#length);
    const end = this.#length + align(bytes.length);
    this.#buffer.fill(0, this.#length + bytes.length, end);
    this.#length = end;
    return this;
  }

  #reserve(length: number): void {
    const needed = this.#length + align(length) + headerLength;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.alloc(Math.max(needed, this.#buffer.length * 2));
    larger.set(this.#buffer);
    this.#buffer = larger;
  }
}

/** The values of a list's attributes, which are all of one type. */
export function decodeAttributeList(bytes: Buffer): Buffer[] {
  const values: Buffer[] = [];
  for (let offset = 0; offset + 4 <= bytes.length; ) {
    const length = bytes.readUInt16LE(offset);
    if (length < 4 || offset + length > bytes.length) break;
    values.push(bytes.subarray(offset + 4, offset + length));
    offset += align(length);
  }
  return values;
}

/** Reads the attributes of a received message: type (without its flag bits) to value. The values are views. */
export function decodeAttributes(bytes: Buffer): Map<number, Buffer> {
  const attributes = new Map<number, Buffer>();
  let offset = 0;
  while (offset + 4 <= bytes.length) {
    const length = bytes.readUInt16LE(offset);
    if (length < 4 || offset + length > bytes.length) break;
    attributes.set(bytes.readUInt16LE(offset + 2) & 0x3fff, bytes.subarray(offset + 4, offset + length));
    offset += align(length);
  }
  return attributes;
}

/** An attribute's text, without its NUL. */
export function attributeText(value: Buffer | undefined): string {
  if (!value) return '';
  const end = value.indexOf(0);
  return value.toString('utf8', 0, end < 0 ? value.length : end);
}
