import { randomBytes } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { EngineError } from '@wharf/base/error';
import type { Descriptor } from '@wharf/oci/descriptor';
import type { Digest } from '@wharf/oci/digest';
import type { ClientContent } from '../exporters/build-output.ts';
import { GrpcError, grpcStatus } from '../grpc/grpc-status.ts';
import {
  Content,
  InfoRequestSchema,
  ReadContentRequestSchema,
  WriteAction,
  WriteContentRequestSchema,
} from '../pb/content_pb.ts';
import type { SessionConnection } from './session-connection.ts';

/** Bytes of one message. */
const chunkSize = 1 << 20;

/** A content store of the client, one of several that it tells apart by name: an OCI layout, a local cache. */
export class SessionContent implements ClientContent {
  readonly #session: SessionConnection;
  readonly #name: string;
  readonly #signal: AbortSignal;

  constructor(session: SessionConnection, name: string, signal: AbortSignal) {
    this.#session = session;
    this.#name = name;
    this.#signal = signal;
  }

  get #headers() {
    return { 'buildkit-attachable-store-id': this.#name };
  }

  async has(digest: Digest): Promise<boolean> {
    try {
      const stream = this.#session.open(Content.method.info, this.#headers, this.#signal);
      stream.send(create(InfoRequestSchema, { digest }));
      stream.end();
      for await (const _ of stream.messages()) return true;
      return false;
    } catch (error) {
      if (error instanceof GrpcError && error.status === grpcStatus.notFound) return false;
      throw error;
    }
  }

  async *read(digest: Digest): AsyncGenerator<Uint8Array, void, undefined> {
    const stream = this.#session.open(Content.method.read, this.#headers, this.#signal);
    stream.send(create(ReadContentRequestSchema, { digest }));
    stream.end();
    try {
      for await (const { data } of stream.messages()) yield data;
    } catch (error) {
      if (error instanceof GrpcError && error.status === grpcStatus.notFound) {
        throw new EngineError('not_found', `content ${digest}: not found`, { cause: error });
      }
      throw error;
    }
  }

  /** It is there under its digest only when the client has checked all of it. */
  async write(
    { digest, size }: Pick<Descriptor, 'digest' | 'size'>,
    content: AsyncIterable<Uint8Array>,
  ): Promise<void> {
    const stream = this.#session.open(Content.method.write, this.#headers, this.#signal);
    const ref = `wharf-${randomBytes(8).toString('hex')}`;
    const fields = { ref, total: BigInt(size), expected: digest };
    const answers = (async () => {
      for await (const { action } of stream.messages()) if (action === WriteAction.COMMIT) return true;
      return false;
    })();
    answers.catch(() => undefined);
    let offset = 0;
    try {
      for await (const bytes of content) {
        for (let at = 0; at < bytes.length; at += chunkSize) {
          const data = bytes.subarray(at, at + chunkSize);
          const message = { ...fields, action: WriteAction.WRITE, offset: BigInt(offset), data };
          await stream.write(create(WriteContentRequestSchema, message));
          offset += data.length;
        }
      }
      const commit = { ...fields, action: WriteAction.COMMIT, offset: BigInt(offset) };
      await stream.write(create(WriteContentRequestSchema, commit));
    } catch (error) {
      stream.cancel();
      throw error;
    }
    stream.end();
    try {
      if (!(await answers)) throw new GrpcError(grpcStatus.unknown, `the client did not take ${digest}`);
    } catch (error) {
      // Somebody else has brought it meanwhile.
      if (!(error instanceof GrpcError && error.status === grpcStatus.alreadyExists)) throw error;
    }
  }
}
