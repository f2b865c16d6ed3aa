import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { closeDescriptor, duplicateDescriptor } from '@wharf/sys/descriptor';
import { descriptorOf } from './descriptor.ts';
import { type Peer, readPeer } from './peer.ts';
import type { RequestHead } from './request-head.ts';
import { type HttpStatus, HttpSyntaxError, reasonPhrases } from './status.ts';

export type HeaderFields = Readonly<Record<string, string | number>>;

/** A connection that now belongs to its taker; `head` is what the client already sent on it. */
export interface Hijacked {
  readonly socket: Socket;
  readonly head: Buffer;
}

/** A whole answer, before it leaves. */
export interface Answer {
  readonly status: HttpStatus;
  readonly headers: HeaderFields;
  readonly body: string | Uint8Array;
}

interface ConnectionPort {
  /** The body's reader has room. */
  wantBody(): void;
  finished(reusable: boolean): void;
  hijack(): Hijacked;
}

/** One request and its answer. Exactly one of `respond`, `startStream` and `hijack` is called, once. */
export class Exchange {
  readonly request: RequestHead;
  readonly #socket: Socket;
  readonly #port: ConnectionPort;
  #bodyState: 'untouched' | 'reading' | 'ended' | 'failed' = 'untouched';
  #bodyError: HttpSyntaxError | undefined;
  #reader: BodyReader | undefined;
  #abort: AbortController | undefined;
  #aborted = false;
  #answered = false;
  #body: Buffer | undefined;
  #review: ((answer: Answer) => Promise<Answer>) | undefined;

  constructor(request: RequestHead, socket: Socket, port: ConnectionPort) {
    this.request = request;
    this.#socket = socket;
    this.#port = port;
  }

  /** True once an answer has begun: an error can no longer change its status. */
  get answered(): boolean {
    return this.#answered;
  }

  /** Aborts when the client leaves before the answer is complete. */
  get signal(): AbortSignal {
    if (!this.#abort) {
      this.#abort = new AbortController();
      if (this.#aborted) this.#abort.abort();
    }
    return this.#abort.signal;
  }

  /** The connection's client, where TLS has made it show a certificate. */
  get peer(): Peer | undefined {
    return readPeer(this.#socket);
  }

  /** From now on a whole answer is sent as `review` gives it back; it must not reject. Streams are not reviewed. */
  reviewAnswer(review: (answer: Answer) => Promise<Answer>): void {
    this.#review = review;
  }

  /** The whole body as text. Rejects above `limit` bytes. */
  async text(limit: number): Promise<string> {
    return (this.#body ?? (await this.#readWhole(limit))).toString('utf8');
  }

  /** Reads the whole body before its handler does, who then gets the same bytes. Rejects above `limit` bytes. */
  async readAhead(limit: number): Promise<Buffer> {
    this.#body ??= await this.#readWhole(limit);
    return this.#body;
  }

  async #readWhole(limit: number): Promise<Buffer> {
    if (this.#bodyState === 'ended') return Buffer.alloc(0);
    const { body } = this.request;
    const tooLarge = new HttpSyntaxError(413, 'request body too large');
    if (body.kind === 'length' && body.length > limit) throw tooLarge;
    const pieces: Buffer[] = [];
    let size = 0;
    await new Promise<void>((resolve, reject) => {
      this.#read({
        wants: true,
        data: (piece) => {
          size += piece.length;
          if (size > limit) reject(tooLarge);
          else pieces.push(piece);
        },
        end: resolve,
        fail: reject,
      });
    });
    return Buffer.concat(pieces);
  }

  /** The body as it arrives, with back-pressure down to the socket. The chunks are the reader's to keep or give away. */
  stream(): Readable {
    if (this.#body) return Readable.from(this.#body.length > 0 ? [Buffer.from(this.#body)] : []);
    const readable = new Readable({
      read: () => {
        if (!reader.wants) {
          reader.wants = true;
          this.#port.wantBody();
        }
      },
    });
    const reader: BodyReader = {
      wants: false,
      data: (piece) => {
        reader.wants = readable.push(piece);
      },
      end: () => readable.push(null),
      fail: (error) => readable.destroy(error),
    };
    this.#read(reader);
    return readable;
  }

  #read(reader: BodyReader): void {
    if (this.#bodyState === 'ended') return void reader.end();
    if (this.#bodyState === 'failed') return void reader.fail(this.#bodyError!);
    this.#reader = reader;
    this.#bodyState = 'reading';
    if (this.request.expectsContinue && !this.#answered) this.#socket.write('HTTP/1.1 100 Continue\r\n\r\n');
    this.#port.wantBody();
  }

  /** For the connection: whether the body's reader takes bytes now. */
  get bodyWanted(): boolean {
    return this.#reader?.wants ?? false;
  }

  pushBody(piece: Buffer): void {
    this.#reader?.data(piece);
  }

  endBody(): void {
    if (this.#bodyState === 'ended' || this.#bodyState === 'failed') return;
    this.#bodyState = 'ended';
    this.#reader?.end();
  }

  failBody(error: HttpSyntaxError): void {
    if (this.#bodyState === 'ended' || this.#bodyState === 'failed') return;
    this.#bodyState = 'failed';
    this.#bodyError = error;
    this.#reader?.fail(error);
  }

  abort(): void {
    this.#aborted = true;
    this.#abort?.abort();
  }

  /** A whole answer. Statuses without a body ignore `body`; HEAD keeps its length. */
  respond(status: HttpStatus, headers: HeaderFields, body: string | Uint8Array = ''): void {
    this.#begin();
    if (this.#review) void this.#review({ status, headers, body }).then((answer) => this.#send(answer));
    else this.#send({ status, headers, body });
  }

  #send({ status, headers, body }: Answer): void {
    this.#skipBody();
    const bodiless = status === 204 || status === 304;
    const length = typeof body === 'string' ? Buffer.byteLength(body) : body.length;
    const reusable = this.#reusable();
    let head = formatHead(status, headers, !reusable);
    if (!bodiless) head += `Content-Length: ${length}\r\n`;
    if (bodiless || this.request.method === 'HEAD' || length === 0) this.#socket.write(`${head}\r\n`);
    else if (typeof body === 'string') this.#socket.write(`${head}\r\n${body}`);
    else {
      this.#socket.cork();
      this.#socket.write(`${head}\r\n`);
      this.#socket.write(body);
      this.#socket.uncork();
    }
    this.#port.finished(reusable);
  }

  /** An answer of unknown length; its headers leave at once. */
  startStream(status: HttpStatus, headers: HeaderFields): ResponseStream {
    this.#begin();
    const chunked = !this.request.http10;
    const framing: HeaderFields = chunked ? { 'Transfer-Encoding': 'chunked' } : {};
    const reusable = chunked && this.#reusable();
    this.#socket.write(`${formatHead(status, { ...headers, ...framing }, !reusable)}\r\n`);
    const silent = this.request.method === 'HEAD';
    return new ResponseStream(this.#socket, { chunked, silent, signal: this.signal }, (whole) => {
      if (whole) this.#port.finished(reusable && this.#bodyState === 'ended');
      else this.#socket.destroy();
    });
  }

  /** Takes the connection over after writing this head. The body must have been read. */
  hijack(head: string): Hijacked {
    this.#begin();
    const hijacked = this.#port.hijack();
    hijacked.socket.write(head);
    return hijacked;
  }

  #begin(): void {
    if (this.#answered) throw new Error('Cannot answer a request: it was answered before');
    this.#answered = true;
  }

  /** Drops a body that nobody wanted, as far as it is here already. */
  #skipBody(): void {
    if (this.#bodyState !== 'untouched' || this.request.expectsContinue) return;
    this.#read({ wants: true, data() {}, end() {}, fail() {} });
  }

  /** A body that nobody read is still on its way, so the connection cannot go on. */
  #reusable(): boolean {
    return this.request.keepAlive && this.#bodyState === 'ended';
  }
}

interface BodyReader {
  wants: boolean;
  data(piece: Buffer): void;
  end(): void;
  fail(error: Error): void;
}

/** A chunked answer (HTTP/1.0: one that ends with the connection). */
export class ResponseStream {
  readonly #socket: Socket;
  readonly #chunked: boolean;
  readonly #silent: boolean;
  readonly #signal: AbortSignal;
  readonly #finish: (whole: boolean) => void;
  #ended = false;

  constructor(
    socket: Socket,
    { chunked, silent, signal }: { chunked: boolean; silent: boolean; signal: AbortSignal },
    finish: (whole: boolean) => void,
  ) {
    this.#socket = socket;
    this.#chunked = chunked;
    this.#silent = silent;
    this.#signal = signal;
    this.#finish = finish;
  }

  /** Sends a piece now. False when the client is behind: then wait for `drained` before more. */
  write(piece: string | Uint8Array): boolean {
    if (this.#ended || this.#silent || piece.length === 0 || this.#socket.destroyed) return true;
    if (!this.#chunked) return this.#socket.write(piece);
    if (typeof piece === 'string') {
      return this.#socket.write(`${Buffer.byteLength(piece).toString(16)}\r\n${piece}\r\n`);
    }
    this.#socket.cork();
    this.#socket.write(`${piece.length.toString(16)}\r\n`);
    this.#socket.write(piece);
    const room = this.#socket.write('\r\n');
    this.#socket.uncork();
    return room;
  }

  /** Resolves when the client has caught up, or is gone. */
  async drained(): Promise<void> {
    if (this.#socket.destroyed || this.#signal.aborted || !this.#socket.writableNeedDrain) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#socket.once('drain', resolve);
    this.#socket.once('close', resolve);
    const leave = () => resolve();
    this.#signal.addEventListener('abort', leave);
    await promise;
    this.#signal.removeEventListener('abort', leave);
    this.#socket.off('drain', resolve);
    this.#socket.off('close', resolve);
  }

  /**
   * Lets somebody else write the body to the socket below, framed as chunks if `chunked`. False where there is no such
   * socket, as below TLS.
   */
  async lendSocket(use: (socket: number, chunked: boolean) => Promise<void>): Promise<boolean> {
    if (this.#ended || this.#silent || this.#socket.destroyed) return false;
    await this.drained();
    // What the kernel took at once is accounted for a moment later.
    if (this.#socket.writableLength > 0) await nextTurn();
    const fd = descriptorOf(this.#socket);
    if (fd === undefined || this.#socket.writableLength > 0) return false;
    // Its own, since the connection may close meanwhile.
    const socket = duplicateDescriptor(fd);
    try {
      await use(socket, this.#chunked);
      return true;
    } finally {
      closeDescriptor(socket);
    }
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#chunked && !this.#silent) this.#socket.write('0\r\n\r\n');
    this.#finish(true);
  }

  /** Breaks the answer off, so that the client sees it is not whole. */
  destroy(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#finish(false);
  }
}

let dateLine = '';
let dateSecond = 0;

/** RFC 9110 section 6.6.1; made once a second. */
function currentDate(): string {
  const second = Math.floor(Date.now() / 1000);
  if (second !== dateSecond) {
    dateSecond = second;
    dateLine = `Date: ${new Date(second * 1000).toUTCString()}\r\n`;
  }
  return dateLine;
}

function formatHead(status: HttpStatus, headers: HeaderFields, close: boolean): string {
  let head = `HTTP/1.1 ${status} ${reasonPhrases[status]}\r\n${currentDate()}`;
  for (const name in headers) head += `${name}: ${headers[name]}\r\n`;
  return close ? `${head}Connection: close\r\n` : head;
}
