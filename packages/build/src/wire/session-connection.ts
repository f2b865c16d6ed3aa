import type { Socket } from 'node:net';
import type { DescMethod } from '@bufbuild/protobuf';
import { GrpcChannel, type GrpcStream, pathOf } from '../grpc/grpc-client.ts';
import { GrpcError, grpcStatus } from '../grpc/grpc-status.ts';
import type { Headers } from '../grpc/http2/http2-stream.ts';

/** A client's connection on which the daemon is the one that calls. */
export class SessionConnection extends GrpcChannel {
  readonly id: string;
  readonly sharedKey: string;
  readonly #methods: ReadonlySet<string>;

  constructor(socket: Socket, head: Buffer, facts: { id: string; sharedKey: string; methods: readonly string[] }) {
    super(socket, head);
    this.id = facts.id;
    this.sharedKey = facts.sharedKey;
    this.#methods = new Set(facts.methods);
  }

  offers(method: DescMethod): boolean {
    return this.#methods.has(pathOf(method));
  }

  override open<M extends DescMethod>(method: M, headers: Headers, signal: AbortSignal): GrpcStream<M> {
    if (!this.offers(method)) {
      throw new GrpcError(grpcStatus.unimplemented, `method ${pathOf(method)} not supported by the client`);
    }
    return super.open(method, headers, signal);
  }
}
