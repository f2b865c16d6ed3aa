/** stream 0 is stdin's echo, 1 stdout, 2 stderr, 3 an error of the system in service logs. */
export type StdStream = 0 | 1 | 2 | 3;

export const frameHeaderSize = 8;

/** Docker's multiplexed frame: stream, three zero bytes, payload length as uint32 big-endian. */
export function frameHeader(stream: StdStream, length: number): Buffer {
  const header = Buffer.allocUnsafe(frameHeaderSize);
  header.writeUInt32BE(stream * 0x1000000, 0);
  header.writeUInt32BE(length, 4);
  return header;
}

export function encodeFrame(stream: StdStream, payload: Uint8Array | string): Buffer {
  const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
  return Buffer.concat([frameHeader(stream, bytes.length), bytes]);
}

type FrameSink = (stream: StdStream, payload: Buffer) => void;

/**
 * Takes frames apart as bytes arrive, whatever their split. A payload is handed on in the pieces it came in: nothing
 * is collected, so memory does not depend on the frame's length. The pieces are views of the pushed chunks.
 */
export class FrameDemuxer {
  readonly #sink: FrameSink;
  readonly #header = Buffer.alloc(frameHeaderSize);
  #headerLength = 0;
  #stream: StdStream = 0;
  #left = 0;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** Throws on a stream number that no frame has. */
  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#left > 0) {
        const piece = chunk.subarray(at, at + this.#left);
        at += piece.length;
        this.#left -= piece.length;
        this.#sink(this.#stream, piece);
        continue;
      }
      const copied = chunk.copy(this.#header, this.#headerLength, at, at + frameHeaderSize - this.#headerLength);
      at += copied;
      this.#headerLength += copied;
      if (this.#headerLength === frameHeaderSize) this.#open();
    }
  }

  /** False when the stream ended inside a frame. */
  get complete(): boolean {
    return this.#left === 0 && this.#headerLength === 0;
  }

  #open(): void {
    const stream = this.#header[0]!;
    if (stream > 3) throw new Error(`Unrecognized input header: ${stream}`);
    this.#stream = stream as StdStream;
    this.#left = this.#header.readUInt32BE(4);
    this.#headerLength = 0;
  }
}
