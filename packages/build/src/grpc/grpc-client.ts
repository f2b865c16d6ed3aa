import type { Socket } from 'node:net';
import { type DescMessage, type DescMethod, fromBinary, type MessageShape, toBinary } from '@bufbuild/protobuf';
import { encodeFrame, readMessages } from './grpc-frames.ts';
import { connectionLost, errorFromTrailers, GrpcError, grpcStatus } from './grpc-status.ts';
import { Http2Connection } from './http2/http2-connection.ts';
import type { Headers, Http2Stream } from './http2/http2-stream.ts';

/** Calls over a connection that was upgraded to HTTP/2. */
export class GrpcChannel {
  /** Aborted when the other side has gone. */
  readonly signal: AbortSignal;
  readonly ended: Promise<void>;
  readonly #connection: Http2Connection;

  constructor(socket: Socket, head: Buffer) {
    const controller = new AbortController();
    this.signal = controller.signal;
    this.#connection = new Http2Connection(socket, head, { lost: connectionLost });
    this.ended = this.#connection.ended.then(() => controller.abort(connectionLost()));
  }

  /** A call that is answered once. */
  async call<M extends DescMethod>(
    method: M,
    request: MessageShape<M['input']>,
    signal: AbortSignal,
    headers: Headers = {},
  ): Promise<MessageShape<M['output']>> {
    const stream = this.open(method, headers, signal);
    stream.send(request);
    stream.end();
    const [message] = await Array.fromAsync(stream.messages());
    if (message) return message;
    throw new GrpcError(grpcStatus.unknown, `${pathOf(method)} answered nothing`);
  }

  /** A call whose messages go both ways. */
  open<M extends DescMethod>(method: M, headers: Headers, signal: AbortSignal): GrpcStream<M> {
    const pseudo = { ':method': 'POST', ':scheme': 'http', ':path': pathOf(method), ':authority': 'localhost' };
    const stream = this.#connection.open({
      ...pseudo,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headers,
    });
    return new GrpcStream(method, stream, AbortSignal.any([signal, this.signal]));
  }

  close(): void {
    this.#connection.close();
  }
}

/** One call: messages both ways. */
export class GrpcStream<M extends DescMethod> {
  readonly #method: M;
  readonly #stream: Http2Stream;
  readonly #signal: AbortSignal;

  constructor(method: M, stream: Http2Stream, signal: AbortSignal) {
    this.#method = method;
    this.#stream = stream;
    this.#signal = signal;
    const leave = () => stream.reset();
    if (signal.aborted) leave();
    signal.addEventListener('abort', leave, { once: true, signal: stream.signal });
  }

  send(message: MessageShape<M['input']>): void {
    void this.#stream.write(encodeFrame(toBinary(this.#method.input as DescMessage, message)));
  }

  /** As `send`, and resolves when more may be sent. Throws what the other side said where it has ended the call. */
  async write(message: MessageShape<M['input']>): Promise<void> {
    await this.#stream.write(encodeFrame(toBinary(this.#method.input as DescMessage, message)));
    this.#requireSuccess();
  }

  end(): void {
    void this.#stream.end();
  }

  /** Ends the call without what it was to bring. */
  cancel(): void {
    this.#stream.reset();
  }

  /** Who leaves before their end gives up the call. */
  async *messages(): AsyncGenerator<MessageShape<M['output']>, void, undefined> {
    try {
      for await (const bytes of readMessages(this.#stream)) {
        yield fromBinary(this.#method.output as DescMessage, bytes) as MessageShape<M['output']>;
      }
    } catch (error) {
      this.#requireSuccess();
      throw error;
    } finally {
      this.#stream.leave();
    }
    this.#requireSuccess();
  }

  #requireSuccess(): void {
    this.#signal.throwIfAborted();
    const { headers, trailers } = this.#stream;
    // An answer that is an error and nothing else has its trailers as its headers.
    const last = trailers ?? headers;
    const failure = last['grpc-status'] === undefined ? undefined : errorFromTrailers(last);
    if (failure) throw failure;
  }
}

/** Of a method, as HTTP has it. */
export function pathOf(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}
