interface WebSocketSink {
  /** A piece of a text or binary message; pieces are handed on as they arrive. */
  data(payload: Buffer): void;
  ping(payload: Buffer): void;
  close(): void;
}

const controlLimit = 125;

/** Reads a client's frames (RFC 6455 section 5). Nothing but control frames is collected. Throws on a violation. */
export class WebSocketDecoder {
  readonly #sink: WebSocketSink;
  #header: Buffer = Buffer.alloc(0);
  #opcode = 0;
  #mask: Buffer = Buffer.alloc(4);
  #maskAt = 0;
  #left = 0;
  #control: Buffer[] = [];
  #inMessage = false;
  #closed = false;

  constructor(sink: WebSocketSink) {
    this.#sink = sink;
  }

  push(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0 && !this.#closed) rest = this.#left > 0 ? this.#takePayload(rest) : this.#takeHeader(rest);
  }

  #takeHeader(chunk: Buffer): Buffer {
    const bytes = this.#header.length === 0 ? chunk : Buffer.concat([this.#header, chunk]);
    const size = headerSize(bytes);
    if (size === undefined || bytes.length < size) {
      this.#header = bytes;
      return Buffer.alloc(0);
    }
    this.#header = Buffer.alloc(0);
    this.#openFrame(bytes.subarray(0, size));
    return bytes.subarray(size);
  }

  #openFrame(header: Buffer): void {
    const final = (header[0]! & 0x80) !== 0;
    const opcode = header[0]! & 0x0f;
    if ((header[0]! & 0x70) !== 0) throw new Error('reserved bits set');
    if ((header[1]! & 0x80) === 0) throw new Error('client frame without mask');
    const length = payloadLength(header);
    if (opcode >= 8) {
      if (!final || length > controlLimit || opcode > 10) throw new Error('bad control frame');
    } else {
      if (opcode > 2 || (opcode === 0) !== this.#inMessage) throw new Error('bad data frame');
      this.#inMessage = !final;
    }
    this.#opcode = opcode;
    this.#mask = Buffer.from(header.subarray(-4));
    this.#maskAt = 0;
    this.#left = length;
    if (length === 0) this.#endFrame();
  }

  #takePayload(chunk: Buffer): Buffer {
    const payload = Buffer.from(chunk.subarray(0, this.#left));
    for (let index = 0; index < payload.length; index++) payload[index]! ^= this.#mask[this.#maskAt++ & 3]!;
    this.#left -= payload.length;
    if (this.#opcode >= 8) this.#control.push(payload);
    else this.#sink.data(payload);
    if (this.#left === 0) this.#endFrame();
    return chunk.subarray(payload.length);
  }

  #endFrame(): void {
    if (this.#opcode < 8) return;
    const payload = Buffer.concat(this.#control);
    this.#control = [];
    if (this.#opcode === 9) this.#sink.ping(payload);
    if (this.#opcode !== 8) return;
    this.#closed = true;
    this.#sink.close();
  }
}

/** An unmasked, final frame, as servers send them. */
export function encodeWebSocketFrame(opcode: number, payload: Uint8Array): Buffer {
  const { length } = payload;
  let header: Buffer;
  if (length < 126) header = Buffer.from([0x80 | opcode, length]);
  else if (length < 65536) header = Buffer.from([0x80 | opcode, 126, length >> 8, length & 255]);
  else {
    header = Buffer.alloc(10);
    header[0] = 0x80 | opcode;
    header[1] = 127;
    header.writeBigUInt64BE(BigInt(length), 2);
  }
  return Buffer.concat([header, payload]);
}

function headerSize(bytes: Buffer): number | undefined {
  if (bytes.length < 2) return undefined;
  const short = bytes[1]! & 0x7f;
  const mask = (bytes[1]! & 0x80) === 0 ? 0 : 4;
  return 2 + mask + (short === 126 ? 2 : short === 127 ? 8 : 0);
}

function payloadLength(header: Buffer): number {
  const short = header[1]! & 0x7f;
  if (short === 126) return header.readUInt16BE(2);
  if (short < 126) return short;
  const length = header.readBigUInt64BE(2);
  if (length > BigInt(Number.MAX_SAFE_INTEGER)) throw new Error('frame too long');
  return Number(length);
}
