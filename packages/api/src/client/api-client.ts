import { compareApiVersions, newestApiVersion, parseApiVersion } from '../version.ts';
import type { DaemonAddress } from './address.ts';
import { type ClientTls, type Duplex, dial } from './duplex.ts';
import { encodeRequestHead, type ResponseHead, readBody, readResponseHead } from './http1.ts';
import { readJsonStream } from './json-stream.ts';
import { ConnectionError, decodeFailure } from './response-error.ts';

export interface ApiClientOptions {
  readonly address: DaemonAddress;
  readonly tls?: ClientTls;
  /** Speaks this version instead of negotiating one. */
  readonly version?: string;
  readonly userAgent?: string;
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>;
}

export type QueryValue = string | number | boolean | readonly string[] | undefined;

export interface RequestOptions {
  /** Undefined values are left out, lists are repeated. */
  readonly query?: Readonly<Record<string, QueryValue>>;
  /** A value is sent as JSON, an iterable of bytes in chunks. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export interface ApiResponse {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  /** To be read to its end, or closed. */
  readonly body: AsyncGenerator<Uint8Array>;
}

/** The connection after an upgrade: bytes both ways. */
export interface Hijacked {
  readonly stream: Duplex;
  /** False where the container has a terminal: then the bytes are raw. */
  readonly multiplexed: boolean | undefined;
}

/** What the daemon says about itself in the headers of every answer. */
export interface DaemonTraits {
  readonly apiVersion: string;
  readonly osType: string;
  readonly swarm: string | undefined;
}

/**
 * Speaks the Engine API to one daemon. Connections are kept and used again, one request at a time each.
 * Throws `ConnectionError` where nobody answers and `ResponseError` for what the daemon refuses.
 */
export class ApiClient {
  readonly address: DaemonAddress;
  readonly #options: ApiClientOptions;
  readonly #idle: Duplex[] = [];
  #traits: Promise<DaemonTraits> | undefined;

  constructor(options: ApiClientOptions) {
    this.address = options.address;
    this.#options = options;
  }

  /** Asks the daemon once; the version spoken is the lower of its newest and ours. */
  negotiate(): Promise<DaemonTraits> {
    this.#traits ??= this.#ping();
    return this.#traits;
  }

  /** The version that requests carry. */
  async version(): Promise<string> {
    return this.#options.version ?? (await this.negotiate()).apiVersion;
  }

  async request(method: string, path: string, options: RequestOptions = {}): Promise<ApiResponse> {
    const target = `/v${await this.version()}${path}${encodeQuery(options.query)}`;
    const response = await this.#send(method, target, options);
    if (response.status >= 400) throw await failure(response);
    return response;
  }

  /** The answer as JSON; undefined for an empty one. */
  async json<T>(method: string, path: string, options?: RequestOptions): Promise<T> {
    const text = await this.text(method, path, options);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }

  async text(method: string, path: string, options?: RequestOptions): Promise<string> {
    return collectText((await this.request(method, path, options)).body);
  }

  /** Reads the answer to its end and forgets it; returns the status. */
  async call(method: string, path: string, options?: RequestOptions): Promise<number> {
    const response = await this.request(method, path, options);
    for await (const _ of response.body);
    return response.status;
  }

  /** A progress or event stream, value by value. */
  async *stream<T>(method: string, path: string, options?: RequestOptions): AsyncGenerator<T> {
    yield* readJsonStream<T>((await this.request(method, path, options)).body);
  }

  /** Takes the connection over: attach, exec start. */
  async hijack(path: string, options: RequestOptions = {}): Promise<Hijacked> {
    const target = `/v${await this.version()}${path}${encodeQuery(options.query)}`;
    const stream = await this.#dial();
    const upgrade = { Connection: 'Upgrade', Upgrade: 'tcp', ...options.headers };
    await this.#write(stream, 'POST', target, { ...options, headers: upgrade });
    const head = await readResponseHead(stream);
    if (head === null) throw this.#lost();
    if (head.status !== 101 && head.status !== 200) {
      throw await failure({ ...head, body: readBody(stream, head, 'POST', () => stream.close()) });
    }
    return { stream, multiplexed: isMultiplexed(head) };
  }

  /** Closes what is idle. */
  close(): void {
    for (const stream of this.#idle.splice(0)) stream.close();
  }

  async #ping(): Promise<DaemonTraits> {
    let response = await this.#send('HEAD', '/_ping', {});
    for await (const _ of response.body);
    if (response.status >= 400 && !response.headers.has('api-version')) {
      response = await this.#send('GET', '/_ping', {});
      if (response.status >= 400 && !response.headers.has('api-version')) throw await failure(response);
      for await (const _ of response.body);
    }
    // A daemon that names no version is older than negotiation. docs: API 1.24
    const theirs = response.headers.get('api-version') ?? '1.24';
    return {
      apiVersion: lower(theirs, newestApiVersion),
      osType: response.headers.get('ostype') ?? 'linux',
      swarm: response.headers.get('swarm'),
    };
  }

  async #send(method: string, target: string, options: RequestOptions): Promise<ApiResponse> {
    const { signal } = options;
    signal?.throwIfAborted();
    for (;;) {
      const idle = this.#takeIdle();
      const stream = idle ?? (await this.#dial());
      const abort = () => stream.close();
      signal?.addEventListener('abort', abort, { once: true });
      const head = await this.#exchange(stream, method, target, options, idle !== undefined);
      if (head === 'stale') continue;
      const body = readBody(stream, head, method, (reusable) => {
        signal?.removeEventListener('abort', abort);
        if (reusable && stream.open && this.#idle.length < 4) this.#idle.push(stream);
        else stream.close();
      });
      return { status: head.status, headers: head.headers, body };
    }
  }

  // A kept connection may have been closed by the daemon meanwhile: then nothing of the answer came.
  async #exchange(
    stream: Duplex,
    method: string,
    target: string,
    options: RequestOptions,
    kept: boolean,
  ): Promise<ResponseHead | 'stale'> {
    const repeatable = kept && !isByteStream(options.body);
    let ours: { readonly error: unknown } | undefined;
    // The daemon may refuse a long body before its end, so its answer is read while the body is written. A write that
    // fails on a broken connection is left to the reader; one that fails for our own reasons ends the request.
    const { promise: cannotWrite, reject } = Promise.withResolvers<never>();
    this.#write(stream, method, target, options).catch((error: unknown) => {
      if (!stream.open) return;
      ours = { error };
      reject(error);
    });
    try {
      const head = await Promise.race([readResponseHead(stream), cannotWrite]);
      if (head !== null) return head;
    } catch (error) {
      stream.close();
      if (ours) throw ours.error;
      options.signal?.throwIfAborted();
      if (repeatable) return 'stale';
      throw new ConnectionError(this.address.text, this.#broken(message(error)), error);
    }
    stream.close();
    options.signal?.throwIfAborted();
    if (repeatable) return 'stale';
    throw this.#lost();
  }

  async #write(stream: Duplex, method: string, target: string, options: RequestOptions): Promise<void> {
    const { body } = options;
    const headers = new Map<string, string>([
      ['Host', this.address.kind === 'unix' ? 'api.moby.localhost' : this.address.text.slice('tcp://'.length)],
      ['User-Agent', this.#options.userAgent ?? 'wharf-client'],
    ]);
    for (const [name, value] of Object.entries(this.#options.headers ?? {})) headers.set(name, value);
    const encoder = new TextEncoder();
    if (isByteStream(body)) {
      headers.set('Transfer-Encoding', 'chunked');
      headers.set('Content-Type', 'application/x-tar');
      for (const [name, value] of Object.entries(options.headers ?? {})) headers.set(name, value);
      await stream.write(encoder.encode(encodeRequestHead(method, target, headers)));
      for await (const chunk of body) {
        if (chunk.length === 0) continue;
        await stream.write(encoder.encode(`${chunk.length.toString(16)}\r\n`));
        await stream.write(chunk);
        await stream.write(encoder.encode('\r\n'));
      }
      await stream.write(encoder.encode('0\r\n\r\n'));
      return;
    }
    const payload = body === undefined ? '' : JSON.stringify(body);
    if (body !== undefined) headers.set('Content-Type', 'application/json');
    if (body !== undefined || method === 'POST' || method === 'PUT') {
      headers.set('Content-Length', String(Buffer.byteLength(payload)));
    }
    for (const [name, value] of Object.entries(options.headers ?? {})) headers.set(name, value);
    await stream.write(encoder.encode(encodeRequestHead(method, target, headers) + payload));
  }

  #takeIdle(): Duplex | undefined {
    for (let stream = this.#idle.pop(); stream !== undefined; stream = this.#idle.pop()) {
      if (stream.open) return stream;
      stream.close();
    }
    return undefined;
  }

  async #dial(): Promise<Duplex> {
    try {
      return await dial(this.address, this.#options.tls);
    } catch (error) {
      throw new ConnectionError(this.address.text, this.#unreachable(message(error)), error);
    }
  }

  #unreachable(cause: string): string {
    if (/EACCES|permission denied/i.test(cause)) {
      return `permission denied while trying to connect to the Docker daemon socket at ${this.address.text}`;
    }
    const text = `Cannot connect to the Docker daemon at ${this.address.text}. Is the docker daemon running?`;
    return /ENOENT|ECONNREFUSED|Failed to connect|FailedToOpenSocket/i.test(cause)
      ? text
      : `error during connect: ${this.address.text}: ${cause}`;
  }

  #broken(cause: string): string {
    // TLS 1.3 refuses a client's certificate only after the handshake.
    const refused = this.#options.tls && /BAD_CERTIFICATE|CERTIFICATE_REQUIRED|UNKNOWN_CA/.test(cause);
    const why = refused
      ? 'the server probably has client authentication (--tlsverify) enabled; check your TLS client certification settings'
      : 'error during connect';
    return `${why}: ${this.address.text}: ${cause}`;
  }

  #lost(): ConnectionError {
    return new ConnectionError(this.address.text, 'error during connect: the daemon closed the connection: EOF');
  }
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function lower(theirs: string, ours: string): string {
  const a = parseApiVersion(theirs);
  const b = parseApiVersion(ours);
  return a && b && compareApiVersions(a, b) < 0 ? theirs : ours;
}

function isMultiplexed(head: ResponseHead): boolean | undefined {
  switch (head.headers.get('content-type')) {
    case 'application/vnd.docker.multiplexed-stream':
      return true;
    default:
      // Before 1.42 the raw type is sent whatever the stream is.
      return undefined;
  }
}

function isByteStream(body: unknown): body is AsyncIterable<Uint8Array> {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body;
}

async function collectText(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of chunks) text += decoder.decode(chunk, { stream: true });
  return text + decoder.decode();
}

async function failure(response: { status: number; body: AsyncIterable<Uint8Array>; reason?: string }) {
  return decodeFailure(response.status, response.reason ?? '', await collectText(response.body));
}

function encodeQuery(query: RequestOptions['query']): string {
  if (!query) return '';
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    if (typeof value === 'object') for (const item of value) parameters.append(name, item);
    else parameters.append(name, value === true ? '1' : value === false ? '0' : String(value));
  }
  const text = parameters.toString();
  return text === '' ? '' : `?${text}`;
}
