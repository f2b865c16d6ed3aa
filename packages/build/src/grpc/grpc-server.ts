import type { Socket } from 'node:net';
import { type DescMessage, type DescMethod, fromBinary, type MessageShape, toBinary } from '@bufbuild/protobuf';
import { pathOf } from './grpc-client.ts';
import { encodeFrame, readMessages } from './grpc-frames.ts';
import { connectionLost, GrpcError, grpcStatus, trailersOf } from './grpc-status.ts';
import { Http2Connection } from './http2/http2-connection.ts';
import type { Headers, Http2Stream } from './http2/http2-stream.ts';

export interface Call {
  readonly headers: Headers;
  /** Aborted when the caller has gone. */
  readonly signal: AbortSignal;
}

/** Answers messages with messages. */
type Answer = (requests: AsyncIterable<Buffer>, call: Call) => AsyncIterable<Uint8Array>;

interface Handler {
  readonly answer: Answer;
  /** Sent before the first message. */
  readonly headers: () => Headers;
}

/** By path: `/package.Service/Method`. */
export type Handlers = Map<string, Handler>;

type Request<M extends DescMethod> = MessageShape<M['input']>;

/** A method that answers once. */
export function unary<M extends DescMethod>(
  handlers: Handlers,
  method: M,
  answer: (request: Request<M>, call: Call) => Promise<MessageShape<M['output']>>,
): void {
  streaming(handlers, method, async function* (request, call) {
    yield await answer(request, call);
  });
}

/** A method that answers as often as it likes. */
export function streaming<M extends DescMethod>(
  handlers: Handlers,
  method: M,
  answer: (request: Request<M>, call: Call) => AsyncIterable<MessageShape<M['output']>>,
  headers: Handler['headers'] = () => ({}),
): void {
  const once: Duplex<M> = async function* (requests, call) {
    const [request] = await Array.fromAsync(requests);
    if (!request) throw new GrpcError(grpcStatus.invalidArgument, 'a call without a message');
    yield* answer(request, call);
  };
  duplex(handlers, method, once, headers);
}

type Duplex<M extends DescMethod> = (
  requests: AsyncIterable<Request<M>>,
  call: Call,
) => AsyncIterable<MessageShape<M['output']>>;

/** A method that answers while it reads. */
export function duplex<M extends DescMethod>(
  handlers: Handlers,
  method: M,
  answer: Duplex<M>,
  headers: Handler['headers'] = () => ({}),
): void {
  const { input, output }: { input: DescMessage; output: DescMessage } = method;
  const decoded = async function* (requests: AsyncIterable<Buffer>) {
    for await (const bytes of requests) yield fromBinary(input, bytes) as Request<M>;
  };
  const encoded: Answer = async function* (requests, call) {
    for await (const message of answer(decoded(requests), call)) yield toBinary(output, message);
  };
  handlers.set(pathOf(method), { answer: encoded, headers });
}

/** Serves gRPC on a connection that was upgraded to HTTP/2. Resolves when it has ended. */
export function serveGrpc(socket: Socket, head: Buffer, handlers: Handlers): Promise<void> {
  const serve = (stream: Http2Stream) => void serveStream(stream, handlers);
  return new Http2Connection(socket, head, { serve, lost: connectionLost }).ended;
}

async function serveStream(stream: Http2Stream, handlers: Handlers): Promise<void> {
  const { headers, signal } = stream;
  const path = String(headers[':path'] ?? '');
  const handler = handlers.get(path);
  let trailers: Record<string, string> = { 'grpc-status': '0' };
  try {
    stream.respond({ ':status': '200', 'content-type': 'application/grpc', ...handler?.headers() });
    if (!handler) throw new GrpcError(grpcStatus.unimplemented, `unknown method ${path}`);
    for await (const message of handler.answer(readMessages(stream), { headers, signal })) {
      if (stream.isClosed) return;
      await stream.write(encodeFrame(message));
    }
  } catch (error) {
    trailers = trailersOf(error);
  }
  await stream.end(trailers);
}
