import { createServer, type IncomingHttpHeaders, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { type DescMessage, type DescMethod, fromBinary, type MessageShape, toBinary } from '@bufbuild/protobuf';
import { pathOf } from './grpc-client.ts';
import { encodeFrame, readMessages } from './grpc-frames.ts';
import { GrpcError, grpcStatus, trailersOf } from './grpc-status.ts';

export interface Call {
  readonly headers: IncomingHttpHeaders;
  /** Aborted when the caller has gone. */
  readonly signal: AbortSignal;
}

/** Answers messages with messages. */
type Answer = (requests: AsyncIterable<Buffer>, call: Call) => AsyncIterable<Uint8Array>;

interface Handler {
  readonly answer: Answer;
  /** Sent before the first message. */
  readonly headers: () => OutgoingHttpHeaders;
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
export async function serveGrpc(socket: Socket, head: Buffer, handlers: Handlers): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const server = createServer();
  server.on('stream', (stream, headers) => void serveStream(stream as ServerHttp2Stream, headers, handlers));
  // What a broken connection ends is told to its streams.
  server.on('sessionError', () => socket.destroy());
  socket.on('error', () => undefined);
  socket.once('close', () => resolve());
  if (head.length > 0) socket.unshift(head);
  server.emit('connection', socket);
  socket.resume();
  await promise;
}

async function serveStream(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders & { ':path'?: string | undefined },
  handlers: Handlers,
): Promise<void> {
  const controller = new AbortController();
  stream.on('error', () => undefined);
  stream.once('close', () => controller.abort(new GrpcError(grpcStatus.canceled, 'context canceled')));
  let trailers: Record<string, string> = { 'grpc-status': '0' };
  const path = headers[':path'] ?? '';
  const handler = handlers.get(path);
  const common = { ':status': 200, 'content-type': 'application/grpc' };
  stream.respond({ ...common, ...handler?.headers() }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers(trailers));
  try {
    if (!handler) throw new GrpcError(grpcStatus.unimplemented, `unknown method ${path}`);
    for await (const message of handler.answer(readMessages(stream), { headers, signal: controller.signal })) {
      if (stream.destroyed) return;
      if (!stream.write(encodeFrame(message))) await drained(stream);
    }
  } catch (error) {
    trailers = trailersOf(error);
  }
  if (!stream.destroyed) stream.end();
}

async function drained(stream: ServerHttp2Stream): Promise<void> {
  await new Promise<void>((resolve) => {
    stream.once('drain', resolve);
    stream.once('close', resolve);
  });
}
