import type { Readable } from 'node:stream';
import type { ApiVersion } from '@wharf/api/version';
import { type Decoder, decode, parseJson } from '@wharf/base/decode';
import { invalidArgument } from '@wharf/base/error';
import type { Exchange, HeaderFields, Hijacked, ResponseStream } from './http/exchange.ts';
import type { HttpStatus } from './http/status.ts';
import { jsonBodyLimit } from './json-body.ts';
import { Query } from './query.ts';

/** What a handler sees of a request, and how it answers. */
export class Context<P = Readonly<Record<string, string>>> {
  readonly parameters: P;
  readonly version: ApiVersion;
  readonly exchange: Exchange;
  readonly #commonHeaders: HeaderFields;
  readonly #queryText: string;
  #query: Query | undefined;

  constructor(
    exchange: Exchange,
    options: { parameters: P; version: ApiVersion; commonHeaders: HeaderFields; query: string },
  ) {
    this.exchange = exchange;
    this.parameters = options.parameters;
    this.version = options.version;
    this.#commonHeaders = options.commonHeaders;
    this.#queryText = options.query;
  }

  get query(): Query {
    this.#query ??= new Query(this.#queryText);
    return this.#query;
  }

  /** Aborts when the client leaves. */
  get signal(): AbortSignal {
    return this.exchange.signal;
  }

  header(name: string): string | undefined {
    return this.exchange.request.headers.get(name);
  }

  /** The decoded JSON body; the zero value for an empty one. */
  async body<T>(decoder: Decoder<T>): Promise<T> {
    return decode(decoder, await this.#parsedBody());
  }

  /** As `body`, where an empty body is an error. */
  async requiredBody<T>(decoder: Decoder<T>): Promise<T> {
    const value = await this.#parsedBody();
    if (value === undefined) throw invalidArgument('invalid JSON: got EOF while reading request body');
    return decode(decoder, value);
  }

  async #parsedBody(): Promise<unknown> {
    const { request } = this.exchange;
    const contentType = request.headers.get('content-type') ?? '';
    if (contentType !== '' || request.body.kind !== 'none') checkJsonContentType(contentType);
    return parseJson(await this.exchange.text(jsonBodyLimit));
  }

  /** The raw body, with back-pressure. */
  bodyStream(): Readable {
    return this.exchange.stream();
  }

  /** Go's encoder ends a document with a line feed. */
  json(status: HttpStatus, value: unknown): void {
    this.exchange.respond(
      status,
      { ...this.#commonHeaders, 'Content-Type': 'application/json' },
      `${JSON.stringify(value)}\n`,
    );
  }

  text(status: HttpStatus, text: string, headers: HeaderFields = {}): void {
    const contentType = { 'Content-Type': 'text/plain; charset=utf-8' };
    this.exchange.respond(status, { ...this.#commonHeaders, ...headers, ...contentType }, text);
  }

  empty(status: HttpStatus, headers: HeaderFields = {}): void {
    this.exchange.respond(status, { ...this.#commonHeaders, ...headers });
  }

  /** Headers leave at once; a client takes them as the sign that the request is understood. */
  startStream(contentType: string, headers: HeaderFields = {}): ResponseStream {
    return this.exchange.startStream(200, { ...this.#commonHeaders, ...headers, 'Content-Type': contentType });
  }

  hijack(head: string): Hijacked {
    return this.exchange.hijack(head);
  }
}

function checkJsonContentType(contentType: string): void {
  const media = contentType.split(';')[0]!.trim().toLowerCase();
  if (media === '') throw invalidArgument('malformed Content-Type header (): mime: no media type');
  if (media === 'application/json') return;
  throw invalidArgument(`unsupported Content-Type header (${contentType}): must be 'application/json'`);
}
