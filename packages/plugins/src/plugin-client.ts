import type { IncomingMessage, RequestOptions } from 'node:http';
import { parseJson } from '@wharf/base/decode';
import { EngineError } from '@wharf/base/error';
import type { PluginAddress } from './discovery.ts';

/** docker/docs: plugin API, versioned by the media type. */
const mediaType = 'application/vnd.docker.plugins.v1.2+json';
/** More than any answer of a plugin is a defect of it. */
const answerLimit = 32 * 1024 * 1024;
/** A Host that every server's library takes; the socket's path would be none. */
const hostName = 'plugin.localhost';

/** The plugin could not be reached, so that nothing of the call has happened: it may be tried again. */
export class UnreachableError extends Error {}

export interface CallOptions {
  /** Milliseconds until an answer must be there. */
  readonly timeout: number;
  readonly signal?: AbortSignal;
}

/** One call: `POST /<method>` with JSON both ways. Gives the decoded answer; what the plugin refuses is an EngineError. */
export async function callPlugin(
  address: PluginAddress,
  method: string,
  argument: unknown,
  options: CallOptions,
): Promise<unknown> {
  const response = await send(address, method, JSON.stringify(argument ?? {}), options);
  const body = await readBody(response);
  if (response.statusCode === 200) return parseJson(body.trim());
  const message = `${method}: ${reasonOf(body) || `HTTP status ${response.statusCode}`}`;
  throw new EngineError(response.statusCode === 404 ? 'not_found' : 'internal', message);
}

async function send(
  { target, tls }: PluginAddress,
  method: string,
  body: string,
  { timeout, signal }: CallOptions,
): Promise<IncomingMessage> {
  const { request } = tls ? await import('node:https') : await import('node:http');
  const where: RequestOptions = 'socket' in target ? { socketPath: target.socket } : target;
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const outgoing = request(
    {
      ...where,
      ...(tls && { ca: tls.ca, cert: tls.cert, key: tls.key, rejectUnauthorized: tls.verify }),
      method: 'POST',
      path: `/${method}`,
      agent: false,
      headers: {
        Host: hostName,
        Accept: mediaType,
        'Content-Type': 'application/json',
        'Content-Length': Buffer.byteLength(body),
        Connection: 'close',
      },
      ...(signal && { signal }),
    },
    resolve,
  );
  outgoing.on('error', (cause: NodeJS.ErrnoException) => reject(explain(cause)));
  outgoing.setTimeout(timeout, () => outgoing.destroy(new EngineError('deadline_exceeded', `${method}: no answer`)));
  outgoing.end(body);
  return await promise;
}

const notReached = new Set([
  'ENOENT',
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'FailedToOpenSocket',
  'ConnectionRefused',
]);

function explain(cause: NodeJS.ErrnoException): Error {
  if (cause instanceof EngineError) return cause;
  if (notReached.has(cause.code ?? '')) return new UnreachableError(cause.message, { cause });
  return new EngineError(cause.name === 'AbortError' ? 'canceled' : 'internal', cause.message, { cause });
}

async function readBody(response: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of response) {
    size += piece.length;
    if (size > answerLimit) throw new EngineError('internal', 'the answer of the plugin is too large');
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}

/** Plugins answer errors as `{"Err": "..."}`, or as plain text. */
function reasonOf(body: string): string {
  try {
    const { Err } = JSON.parse(body);
    if (typeof Err === 'string' && Err !== '') return Err;
  } catch {
    // Then it is text.
  }
  return body.trim().slice(0, 1000);
}
