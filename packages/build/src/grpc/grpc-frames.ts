import { resourceExhausted } from './grpc-status.ts';

const prefixBytes = 5;
/** What BuildKit's own clients and servers accept. */
const maximumMessage = 16 << 20;

/** A message as gRPC sends it: not compressed, its length, its bytes. */
export function encodeFrame(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(prefixBytes + message.length);
  frame[0] = 0;
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, prefixBytes);
  return frame;
}

/** Cuts the messages out of the bytes of a stream. */
export class FrameDecoder {
  #pending: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): Buffer[] {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    const messages: Buffer[] = [];
    while (this.#pending.length >= prefixBytes) {
      const length = this.#pending.readUInt32BE(1);
      if (this.#pending[0] !== 0) throw new Error('a compressed message, which was not agreed on');
      if (length > maximumMessage) {
        throw resourceExhausted(`received message larger than max (${length} vs. ${maximumMessage})`);
      }
      if (this.#pending.length < prefixBytes + length) break;
      messages.push(this.#pending.subarray(prefixBytes, prefixBytes + length));
      this.#pending = this.#pending.subarray(prefixBytes + length);
    }
    return messages;
  }

  /** True where the stream ended amid a message. */
  get isPartial(): boolean {
    return this.#pending.length > 0;
  }
}

/** Every message of a stream; what is not taken yet is not read. */
export async function* readMessages(stream: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  const decoder = new FrameDecoder();
  for await (const chunk of stream) yield* decoder.push(chunk);
  if (decoder.isPartial) throw new Error('the stream ended amid a message');
}
