import type { Socket } from 'node:net';
import { BodyDecoder } from './body-decoder.ts';
import { Exchange } from './exchange.ts';
import { headerCountLimit, headLimit, parseRequestHead, type RequestHead } from './request-head.ts';
import { HttpSyntaxError, reasonPhrases } from './status.ts';

/** Answers one request. It must end the exchange; a throw is the caller's defect and closes the connection. */
export type ExchangeHandler = (exchange: Exchange) => Promise<void>;

const headEnd = Buffer.from('\r\n\r\n');
/** How much of the next request (or of a hijacker's first bytes) is taken in while one is being answered. */
const readAheadLimit = 64 * 1024;
const lingerMilliseconds = 5000;
/** A head that has begun must be whole this soon. An idle connection has no such limit, and no timer. */
const headMilliseconds = 60_000;

/**
 * One HTTP/1.1 connection: keep-alive, pipelining, half-close. Idle it holds a few fields and no timer.
 * While a request is answered it goes on reading, to notice a client that leaves.
 */
export class Connection {
  readonly #socket: Socket;
  readonly #handler: ExchangeHandler;
  #state: 'head' | 'busy' | 'hijacked' | 'lingering' = 'head';
  #chunks: Buffer[] = [];
  #buffered = 0;
  #exchange: Exchange | undefined;
  #decoder: BodyDecoder | undefined;
  #clientEnded = false;
  #headTimer: NodeJS.Timeout | undefined;

  constructor(socket: Socket, handler: ExchangeHandler) {
    this.#socket = socket;
    this.#handler = handler;
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('error', ignore);
    socket.on('close', this.#onClose);
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#state === 'lingering') return;
    this.#chunks.push(chunk);
    this.#buffered += chunk.length;
    if (this.#state === 'head') {
      if (chunk.includes(10) || this.#buffered > headLimit) this.#advance();
    } else if (this.#decoder && !this.#decoder.done) this.#feedBody();
    else if (this.#buffered > readAheadLimit) this.#socket.pause();
  };

  readonly #onEnd = (): void => {
    this.#clientEnded = true;
    if (this.#state === 'busy') {
      if (this.#decoder && !this.#decoder.done) this.#exchange?.failBody(new HttpSyntaxError(400, 'unexpected EOF'));
      // Nothing tells a half-closed client from one that left: like Go, cancel what listens for it.
      this.#exchange?.abort();
    } else {
      this.#socket.end();
    }
  };

  readonly #onClose = (): void => {
    this.#clearHeadTimer();
    this.#exchange?.failBody(new HttpSyntaxError(400, 'connection closed'));
    this.#exchange?.abort();
  };

  /** Starts the next request when its head is whole. */
  #advance(): void {
    while (this.#state === 'head' && this.#buffered > 0) {
      try {
        const head = this.#takeHead();
        if (!head) return;
        this.#begin(head);
      } catch (error) {
        if (!(error instanceof HttpSyntaxError)) throw error;
        this.#refuse(error);
      }
    }
  }

  #takeHead(): RequestHead | undefined {
    let bytes = this.#takeBytes();
    // RFC 9112 section 2.2: an empty line before the request line is ignored.
    while (bytes.length >= 2 && bytes[0] === 13 && bytes[1] === 10) bytes = bytes.subarray(2);
    const end = bytes.indexOf(headEnd);
    if (end < 0 || end > headLimit) {
      checkPartialHead(bytes);
      this.#putBack(bytes);
      this.#headTimer ??= setTimeout(() => this.#refuse(lateHead), headMilliseconds).unref();
      return undefined;
    }
    const text = bytes.toString('latin1', 0, end);
    if (isHttp2Preface(text)) {
      this.#refuseHttp2();
      return undefined;
    }
    this.#putBack(bytes.subarray(end + 4));
    return parseRequestHead(text);
  }

  #begin(head: RequestHead): void {
    this.#state = 'busy';
    this.#clearHeadTimer();
    const decoder = new BodyDecoder(head.body);
    this.#decoder = decoder;
    const exchange = new Exchange(head, this.#socket, {
      wantBody: () => this.#feedBody(),
      finished: (reusable) => this.#finish(exchange, reusable && head.keepAlive),
      hijack: () => this.#hijack(),
    });
    this.#exchange = exchange;
    if (decoder.done) exchange.endBody();
    if (this.#clientEnded) exchange.abort();
    this.#handler(exchange).catch((error: unknown) => this.#socket.destroy(error as Error));
  }

  /** Moves buffered bytes into the body, until its reader has enough. */
  #feedBody(): void {
    const exchange = this.#exchange;
    const decoder = this.#decoder;
    if (!exchange || !decoder || this.#state !== 'busy') return;
    try {
      while (!decoder.done && this.#buffered > 0 && exchange.bodyWanted) {
        this.#putBack(decoder.push(this.#takeBytes(), (piece) => exchange.pushBody(piece)));
      }
    } catch (error) {
      if (!(error instanceof HttpSyntaxError)) throw error;
      exchange.failBody(error);
      return;
    }
    if (decoder.done) exchange.endBody();
    else if (this.#clientEnded) exchange.failBody(new HttpSyntaxError(400, 'unexpected EOF'));
    if (decoder.done || exchange.bodyWanted) this.#socket.resume();
    else this.#socket.pause();
  }

  #finish(exchange: Exchange, reusable: boolean): void {
    if (this.#exchange !== exchange) return;
    const decoder = this.#decoder;
    this.#exchange = undefined;
    this.#decoder = undefined;
    if (this.#socket.destroyed) return;
    if (!reusable || (decoder && !decoder.done)) {
      this.#linger();
      return;
    }
    this.#state = 'head';
    this.#socket.resume();
    if (this.#buffered > 0) {
      // Not in this stack: a pipelined thousand would nest.
      queueMicrotask(() => {
        this.#advance();
        if (this.#state === 'head' && this.#clientEnded) this.#socket.end();
      });
    } else if (this.#clientEnded) {
      this.#socket.end();
    }
  }

  #hijack(): { socket: Socket; head: Buffer } {
    this.#state = 'hijacked';
    const { removed, clientEnded } = { removed: this.#takeBytes(), clientEnded: this.#clientEnded };
    this.#socket.off('data', this.#onData);
    this.#socket.off('end', this.#onEnd);
    this.#socket.off('close', this.#onClose);
    this.#exchange = undefined;
    this.#decoder = undefined;
    if (!clientEnded) this.#socket.pause();
    return { socket: this.#socket, head: removed };
  }

  /** Sends our end, and drops what still comes: closing with unread bytes would reset away the answer. */
  #linger(): void {
    this.#state = 'lingering';
    this.#clearHeadTimer();
    this.#chunks = [];
    this.#buffered = 0;
    this.#socket.end();
    this.#socket.resume();
    const timer = setTimeout(() => this.#socket.destroy(), lingerMilliseconds);
    timer.unref();
    this.#socket.once('close', () => clearTimeout(timer));
  }

  #refuse({ status, message }: HttpSyntaxError): void {
    const reason = reasonPhrases[status];
    const body = `${status} ${reason}: ${message}`;
    this.#socket.write(
      `HTTP/1.1 ${status} ${reason}\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n` +
        `Content-Length: ${body.length}\r\n\r\n${body}`,
    );
    this.#linger();
  }

  /** RFC 9113: an empty SETTINGS, and GOAWAY with HTTP_1_1_REQUIRED. */
  #refuseHttp2(): void {
    const settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    const goAway = [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 13];
    this.#socket.write(Buffer.from([...settings, ...goAway]));
    this.#linger();
  }

  #clearHeadTimer(): void {
    clearTimeout(this.#headTimer);
    this.#headTimer = undefined;
  }

  #takeBytes(): Buffer {
    const bytes = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
    this.#chunks = [];
    this.#buffered = 0;
    return bytes;
  }

  #putBack(bytes: Buffer): void {
    this.#chunks = bytes.length > 0 ? [bytes] : [];
    this.#buffered = bytes.length;
  }
}

const lateHead = new HttpSyntaxError(408, 'request head not received in time');

function checkPartialHead(bytes: Buffer): void {
  if (bytes.length > headLimit) throw new HttpSyntaxError(431, 'request header fields too large');
  let lines = 0;
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) {
    if (at === 0 || bytes[at - 1] !== 13) throw new HttpSyntaxError(400, 'bare line feed in request head');
    if (++lines > headerCountLimit) throw new HttpSyntaxError(431, 'too many header fields');
  }
}

function isHttp2Preface(head: string): boolean {
  return head === 'PRI * HTTP/2.0';
}

function ignore(): void {}
