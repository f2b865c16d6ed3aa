import { flags, frameTypes, headBytes, writeFrameHead } from './frames.ts';
import type { HeaderField } from './hpack-tables.ts';
import { errorCodes } from './http2-error.ts';

/** By name in lower case; an array where a name comes several times. */
export type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/** What a stream may ask of its connection. */
export interface StreamCarrier {
  /** Bytes that the other side takes on all streams. */
  readonly credit: number;
  readonly maxFrame: number;
  /** Resolves when there may be more credit, or the connection has ended. */
  moreCredit(): Promise<void>;
  spend(bytes: number): void;
  /** Resolves when more may be sent. */
  send(bytes: Buffer): Promise<void>;
  sendHeaders(streamId: number, fields: Iterable<HeaderField>, endStream: boolean): void;
  sendReset(streamId: number, code: number): void;
  sendWindowUpdate(streamId: number, bytes: number): void;
  closed(stream: Http2Stream): void;
}

/** What may be under way to us on one stream. */
export const receiveWindow = 1 << 19;
/** Sent at once. */
const burst = 1 << 18;

/** One exchange: headers and bytes both ways, and trailers. Reading it gives what the other side sends. */
export class Http2Stream implements AsyncIterable<Buffer> {
  readonly id: number;
  /** Those that the other side sent first; empty before that. */
  headers: Headers = {};
  trailers: Headers | undefined;
  /** Aborted when the stream is over, however it ended. */
  readonly signal: AbortSignal;
  readonly #carrier: StreamCarrier;
  readonly #over = new AbortController();
  readonly #received: Buffer[] = [];
  #window = receiveWindow;
  #consumed = 0;
  #credit: number;
  #sending: Promise<void> = Promise.resolve();
  #wake: (() => void) | undefined;
  #hasHeaders: boolean;
  #localEnded = false;
  #remoteEnded = false;
  #failure: Error | undefined;

  constructor(carrier: StreamCarrier, id: number, { credit, headers }: { credit: number; headers?: Headers }) {
    this.#carrier = carrier;
    this.id = id;
    this.#credit = credit;
    this.headers = headers ?? {};
    this.#hasHeaders = headers !== undefined;
    this.signal = this.#over.signal;
  }

  get isClosed(): boolean {
    return this.signal.aborted;
  }

  /** Begins the answer. */
  respond(headers: Headers): void {
    if (!this.isClosed) this.#carrier.sendHeaders(this.id, fieldsOf(headers), false);
  }

  /** Resolves when more may be written; what a stream that is over gets is dropped. */
  write(bytes: Buffer): Promise<void> {
    this.#sending = this.#sending.then(() => this.#send(bytes));
    return this.#sending;
  }

  /** After all that was written before. */
  end(trailers?: Headers): Promise<void> {
    this.#sending = this.#sending.then(() => this.#finish(trailers));
    return this.#sending;
  }

  reset(code: number = errorCodes.cancel, failure = new Error('the stream was reset')): void {
    if (this.isClosed) return;
    this.#carrier.sendReset(this.id, code);
    this.fail(failure);
  }

  /** Nothing more of what the other side sends is of interest. */
  leave(): void {
    this.reset(this.#remoteEnded ? errorCodes.noError : errorCodes.cancel);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    for (;;) {
      const chunk = this.#received.shift();
      if (chunk) {
        yield chunk;
        this.#release(chunk.length);
      } else if (this.#remoteEnded) {
        return;
      } else if (this.#failure) {
        throw this.#failure;
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }

  async #send(bytes: Buffer): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      while (!this.isClosed && Math.min(this.#credit, this.#carrier.credit) <= 0) await this.#carrier.moreCredit();
      if (this.isClosed) return;
      const count = Math.min(bytes.length - done, this.#credit, this.#carrier.credit, burst);
      this.#credit -= count;
      this.#carrier.spend(count);
      await this.#carrier.send(this.#dataFrames(bytes.subarray(done, done + count)));
      done += count;
    }
  }

  #dataFrames(bytes: Buffer): Buffer {
    const { maxFrame } = this.#carrier;
    const frames = Buffer.allocUnsafe(bytes.length + Math.ceil(bytes.length / maxFrame) * headBytes);
    let at = 0;
    for (let from = 0; from < bytes.length; from += maxFrame) {
      const length = Math.min(maxFrame, bytes.length - from);
      writeFrameHead(frames, at, { type: frameTypes.data, flags: 0, streamId: this.id, length });
      bytes.copy(frames, at + headBytes, from, from + length);
      at += headBytes + length;
    }
    return frames;
  }

  async #finish(trailers: Headers | undefined): Promise<void> {
    if (this.isClosed || this.#localEnded) return;
    this.#localEnded = true;
    if (trailers) {
      this.#carrier.sendHeaders(this.id, fieldsOf(trailers), true);
      // The answer is whole; nothing more of the question is of interest. RFC 9113, section 8.1
      if (!this.#remoteEnded) this.#carrier.sendReset(this.id, errorCodes.noError);
      return this.#close();
    }
    const head = Buffer.allocUnsafe(headBytes);
    writeFrameHead(head, 0, { type: frameTypes.data, flags: flags.endStream, streamId: this.id, length: 0 });
    await this.#carrier.send(head);
    if (this.#remoteEnded) this.#close();
  }

  /** More bytes may be sent, or fewer. Answers the sum. */
  grant(bytes: number): number {
    this.#credit += bytes;
    return this.#credit;
  }

  /** Headers, or trailers. */
  receiveHeaders(headers: Headers, isEnd: boolean): void {
    if (this.#hasHeaders) this.trailers = headers;
    else this.headers = headers;
    // 1xx is no answer yet.
    this.#hasHeaders ||= !String(headers[':status'] ?? '').startsWith('1');
    if (isEnd) this.receiveEnd();
  }

  /** False where it is more than was allowed. `length` counts what pads it, too. */
  receiveData(bytes: Buffer, length: number): boolean {
    this.#window -= length;
    if (this.#window < 0) return false;
    if (bytes.length > 0) this.#received.push(bytes);
    if (length > bytes.length) this.#release(length - bytes.length);
    this.#notify();
    return true;
  }

  receiveEnd(): void {
    this.#remoteEnded = true;
    this.#notify();
    if (this.#localEnded) this.#close();
  }

  /** The connection or the other side gave it up. */
  fail(failure: Error): void {
    this.#failure ??= failure;
    this.#notify();
    this.#close();
  }

  #release(bytes: number): void {
    this.#consumed += bytes;
    if (this.#consumed < receiveWindow / 2 || this.#remoteEnded || this.isClosed) return;
    this.#window += this.#consumed;
    this.#carrier.sendWindowUpdate(this.id, this.#consumed);
    this.#consumed = 0;
  }

  #notify(): void {
    this.#wake?.();
    this.#wake = undefined;
  }

  #close(): void {
    if (this.isClosed) return;
    this.#over.abort(this.#failure);
    this.#carrier.closed(this);
  }
}

function* fieldsOf(headers: Headers): Generator<HeaderField> {
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue;
    for (const each of typeof value === 'string' ? [value] : value) yield [name.toLowerCase(), each];
  }
}
