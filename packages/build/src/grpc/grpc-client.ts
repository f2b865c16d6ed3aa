import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type OutgoingHttpHeaders,
} from 'node:http2';
import type { Socket } from 'node:net';
import { type DescMessage, type DescMethod, fromBinary, type MessageShape, toBinary } from '@bufbuild/protobuf';
import { encodeFrame, readMessages } from './grpc-frames.ts';
import { errorFromTrailers, GrpcError, grpcStatus } from './grpc-status.ts';

/** Calls over a connection that was upgraded to HTTP/2. */
export class GrpcChannel {
  /** Aborted when the other side has gone. */
  readonly signal: AbortSignal;
  readonly ended: Promise<void>;
  readonly #session: ClientHttp2Session;

  constructor(socket: Socket, head: Buffer) {
    const controller = new AbortController();
    this.signal = controller.signal;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    const gone = () => {
      controller.abort(new GrpcError(grpcStatus.canceled, 'context canceled'));
      resolve();
    };
    socket.on('error', () => undefined);
    socket.once('close', gone);
    socket.once('end', () => socket.end());
    if (head.length > 0) socket.unshift(head);
    this.#session = connect('http://localhost', { createConnection: () => socket });
    this.#session.on('error', () => socket.destroy());
    this.#session.once('close', gone);
    socket.resume();
  }

  /** A call that is answered once. */
  async call<M extends DescMethod>(
    method: M,
    request: MessageShape<M['input']>,
    signal: AbortSignal,
    headers: OutgoingHttpHeaders = {},
  ): Promise<MessageShape<M['output']>> {
    const stream = this.open(method, headers, signal);
    stream.send(request);
    stream.end();
    for await (const message of stream.messages()) return message;
    throw new GrpcError(grpcStatus.unknown, `${pathOf(method)} answered nothing`);
  }

  /** A call whose messages go both ways. */
  open<M extends DescMethod>(method: M, headers: OutgoingHttpHeaders, signal: AbortSignal): GrpcStream<M> {
    const stream = this.#session.request(
      { ...headers, ':method': 'POST', ':path': pathOf(method), 'content-type': 'application/grpc', te: 'trailers' },
      { endStream: false },
    );
    return new GrpcStream(method, stream, AbortSignal.any([signal, this.signal]));
  }

  close(): void {
    this.#session.close();
  }
}

/** One call: messages both ways. */
export class GrpcStream<M extends DescMethod> {
  readonly #method: M;
  readonly #stream: ClientHttp2Stream;
  readonly #signal: AbortSignal;
  #failure: GrpcError | undefined;

  constructor(method: M, stream: ClientHttp2Stream, signal: AbortSignal) {
    this.#method = method;
    this.#stream = stream;
    this.#signal = signal;
    const leave = () => stream.close();
    if (signal.aborted) leave();
    signal.addEventListener('abort', leave, { once: true });
    stream.once('close', () => signal.removeEventListener('abort', leave));
    stream.on('error', () => undefined);
    const look = (headers: Readonly<Record<string, unknown>>) => {
      if (headers['grpc-status'] !== undefined) this.#failure = errorFromTrailers(headers);
    };
    // An answer that is an error and nothing else has its trailers as its headers.
    stream.on('response', look);
    stream.on('trailers', look);
  }

  send(message: MessageShape<M['input']>): void {
    this.#stream.write(encodeFrame(toBinary(this.#method.input as DescMessage, message)));
  }

  /** As `send`, and resolves when more may be sent. Throws what the other side said where it has ended the call. */
  async write(message: MessageShape<M['input']>): Promise<void> {
    if (!this.#stream.write(encodeFrame(toBinary(this.#method.input as DescMessage, message)))) {
      await new Promise<void>((resolve) => {
        const go = () => {
          this.#stream.off('drain', go);
          this.#stream.off('close', go);
          resolve();
        };
        this.#stream.once('drain', go);
        this.#stream.once('close', go);
      });
    }
    this.#signal.throwIfAborted();
    if (this.#failure) throw this.#failure;
  }

  end(): void {
    this.#stream.end();
  }

  /** Ends the call without what it was to bring. */
  cancel(): void {
    this.#stream.close(constants.NGHTTP2_CANCEL);
  }

  async *messages(): AsyncGenerator<MessageShape<M['output']>, void, undefined> {
    for await (const bytes of readMessages(this.#stream)) {
      yield fromBinary(this.#method.output as DescMessage, bytes) as MessageShape<M['output']>;
    }
    this.#signal.throwIfAborted();
    if (this.#failure) throw this.#failure;
  }
}

/** Of a method, as HTTP has it. */
export function pathOf(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}
