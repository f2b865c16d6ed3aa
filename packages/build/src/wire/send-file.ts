import { create } from '@bufbuild/protobuf';
import { EngineError } from '@wharf/base/error';
import { BytesMessageSchema, FileSend } from '../pb/filesync_pb.ts';
import type { SessionConnection } from './session-connection.ts';

/** Bytes of one message: clients take 4 MiB at most where nobody has told them otherwise. */
const chunkSize = 1 << 20;

/** Sends a file that the client keeps under a name of its own. `id` is the exporter's place in the request. */
export async function sendFile(
  session: SessionConnection,
  id: number,
  content: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  requireReceiver(session, 'a file');
  const stream = session.open(FileSend.method.diffCopy, exporterHeaders(id), signal);
  try {
    for await (const bytes of content) {
      for (let at = 0; at < bytes.length; at += chunkSize) {
        await stream.write(create(BytesMessageSchema, { data: bytes.subarray(at, at + chunkSize) }));
      }
    }
  } catch (error) {
    stream.cancel();
    throw error;
  }
  stream.end();
  // It answers nothing; what ends the call says whether it has all of it.
  for await (const _ of stream.messages());
}

/** Clients tell by it which of their outputs is meant. */
export function exporterHeaders(id: number): Record<string, string> {
  return { 'buildkit-attachable-exporter-id': String(id) };
}

export function requireReceiver(session: SessionConnection, what: string): void {
  if (session.offers(FileSend.method.diffCopy)) return;
  throw new EngineError('invalid_argument', `the client has no place for ${what}: an output needs dest=`);
}
