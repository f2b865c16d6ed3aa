import type { create } from '@bufbuild/protobuf';
import { EngineError } from '@wharf/base/error';
import { duplex, type Handlers } from '../grpc/grpc-server.ts';
import { type BytesMessageSchema, FileSend } from '../pb/filesync_pb.ts';

/** Takes what an exporter sends: one file. Resolves when it is kept. */
export type FileReceiver = (content: AsyncIterable<Uint8Array>) => Promise<void>;

/** Takes what exporters send, by their place in the request. */
export function addFileSend(handlers: Handlers, receivers: ReadonlyMap<number, FileReceiver>): void {
  duplex(handlers, FileSend.method.diffCopy, async function* (requests, { headers }) {
    const receiver = receivers.get(Number(headers['buildkit-attachable-exporter-id'] ?? 0));
    if (!receiver) throw new EngineError('not_found', 'no output of this build takes a file');
    await receiver(contents(requests));
    // Nothing is answered but that it has ended well.
    yield* [] as ReturnType<typeof create<typeof BytesMessageSchema>>[];
  });
}

async function* contents(messages: AsyncIterable<{ data: Uint8Array }>): AsyncGenerator<Uint8Array> {
  for await (const { data } of messages) if (data.length > 0) yield data;
}
