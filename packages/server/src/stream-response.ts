import type { Readable } from 'node:stream';
import { encodeJsonMessage, type JsonMessage } from '@wharf/api/streams/json-message';
import type { Context } from './context.ts';
import { errorResponse } from './error-response.ts';
import type { HeaderFields, ResponseStream } from './http/exchange.ts';

/** Sends a stream as the answer's body, no faster than the client takes it. A failure breaks the answer off. */
export async function sendReadable<P>(
  context: Context<P>,
  readable: Readable,
  contentType: string,
  onFailure?: (response: ResponseStream, error: unknown) => void,
  headers: HeaderFields = {},
): Promise<void> {
  await pipeReadable(context, readable, context.startStream(contentType, headers), onFailure);
}

async function pipeReadable<P>(
  context: Context<P>,
  readable: Readable,
  response: ResponseStream,
  onFailure: (response: ResponseStream, error: unknown) => void = (response) => response.destroy(),
): Promise<void> {
  const destroy = () => void readable.destroy();
  context.signal.addEventListener('abort', destroy, { once: true });
  try {
    for await (const chunk of readable) {
      if (!response.write(chunk as Buffer)) await response.drained();
      if (context.signal.aborted) break;
    }
    // A client that left half-way, and may still read, must not take what it has for the whole.
    if (context.signal.aborted) response.destroy();
    else response.end();
  } catch (error) {
    if (context.signal.aborted) response.destroy();
    else onFailure(response, error);
  } finally {
    context.signal.removeEventListener('abort', destroy);
    readable.destroy();
  }
}

/** What can write itself to a socket, or be read as a stream. */
export interface Archive {
  stream(): Readable;
  sendTo(socket: number, options: { readonly chunked: boolean; readonly signal: AbortSignal }): Promise<void>;
  close(): Promise<void>;
}

/** Sends an archive as the answer's body, without its bytes passing through here where the connection allows that. */
export async function sendArchive<P>(
  context: Context<P>,
  archive: Archive,
  contentType: string,
  headers: HeaderFields = {},
): Promise<void> {
  const response = context.startStream(contentType, headers);
  const { signal } = context;
  try {
    const lent = await response.lendSocket((socket, chunked) => archive.sendTo(socket, { chunked, signal }));
    if (lent) response.end();
    else await pipeReadable(context, archive.stream(), response);
  } catch {
    response.destroy();
  } finally {
    await archive.close();
  }
}

type Progress = (message: JsonMessage) => void;

/**
 * Answers with a progress stream. A failure before the first message is an ordinary error; after it, the status is
 * out and the failure is the stream's last object.
 */
export async function sendProgress<P>(context: Context<P>, body: (progress: Progress) => Promise<void>): Promise<void> {
  let response: ResponseStream | undefined;
  function progress(message: JsonMessage): void {
    response ??= context.startStream('application/json');
    response.write(encodeJsonMessage(message));
  }
  try {
    await body(progress);
  } catch (error) {
    if (!response) throw error;
    const { message } = errorResponse(error).body;
    progress({ errorDetail: { message }, error: message });
  }
  response ??= context.startStream('application/json');
  response.end();
}
