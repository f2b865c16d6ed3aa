import { HttpSyntaxError } from './status.ts';

/** Generous enough for a build's arguments in a query; Go's limit for the whole head is the same. */
export const headLimit = 1024 * 1024;
export const targetLimit = 512 * 1024;
export const headerCountLimit = 1000;

export type BodyFraming =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly length: number }
  | { readonly kind: 'chunked' };

export interface RequestHead {
  readonly method: string;
  /** Origin form: starts with `/`, or is `*`. */
  readonly target: string;
  readonly http10: boolean;
  /** Keys in lower case; repeated fields joined by `, `. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: BodyFraming;
  /** The connection may carry another request after this one. */
  readonly keepAlive: boolean;
  readonly expectsContinue: boolean;
}

// RFC 9110 section 5.6.2
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const requestLine = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\x21-\x7e]+) HTTP\/(\d)\.(\d)$/;
// biome-ignore lint/complexity/useRegexLiterals: the class is easier to read as escapes
const forbiddenInValue = new RegExp('[\\x00-\\x08\\x0a-\\x1f\\x7f]');
/** These decide where a message ends or whom it is for: never guessed from two. */
const single = new Set(['content-length', 'transfer-encoding', 'host']);

/**
 * Parses a request's head, without its final empty line. Strict where leniency is how requests are smuggled: bare
 * line feeds, folded lines, spaces before colons, two lengths. RFC 9112 sections 2 to 6.
 */
export function parseRequestHead(text: string): RequestHead {
  const lines = text.split('\r\n');
  const { method, target, http10 } = parseRequestLine(lines[0]!);
  if (lines.length - 1 > headerCountLimit) throw new HttpSyntaxError(431, 'too many header fields');
  const headers = new Map<string, string>();
  for (let index = 1; index < lines.length; index++) addHeader(headers, lines[index]!);
  if (!http10 && !headers.has('host')) throw new HttpSyntaxError(400, 'missing required Host header');
  const connection = headers.get('connection')?.toLowerCase() ?? '';
  return {
    method,
    target,
    http10,
    headers,
    body: bodyFraming(headers, http10),
    keepAlive: !http10 && !(connection !== '' && hasToken(connection, 'close')),
    expectsContinue: expectsContinue(headers, http10),
  };
}

function parseRequestLine(line: string): { method: string; target: string; http10: boolean } {
  const match = requestLine.exec(line);
  if (!match) throw new HttpSyntaxError(400, 'malformed HTTP request line');
  const [, method = '', sent = '', major, minor] = match;
  if (major !== '1') throw new HttpSyntaxError(505, 'unsupported HTTP version');
  if (sent.length > targetLimit) throw new HttpSyntaxError(414, 'request URI too long');
  return { method, target: originForm(method, sent), http10: minor === '0' };
}

function originForm(method: string, target: string): string {
  if (target.startsWith('/')) return target;
  if (target === '*' && method === 'OPTIONS') return target;
  const absolute = /^https?:\/\/[^/?#]+([/?].*)?$/i.exec(target);
  if (!absolute) throw new HttpSyntaxError(400, 'invalid request target');
  const rest = absolute[1] ?? '/';
  return rest.startsWith('/') ? rest : `/${rest}`;
}

function addHeader(headers: Map<string, string>, line: string): void {
  const colon = line.indexOf(':');
  const name = line.slice(0, colon).toLowerCase();
  // Also refuses folded lines and spaces before the colon: neither gives a token.
  if (colon <= 0 || !token.test(name)) throw new HttpSyntaxError(400, 'malformed header field name');
  const value = line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, '');
  if (forbiddenInValue.test(value)) throw new HttpSyntaxError(400, 'invalid header field value');
  const before = headers.get(name);
  if (before === undefined) headers.set(name, value);
  else if (single.has(name)) throw new HttpSyntaxError(400, `repeated header field ${name}`);
  else headers.set(name, `${before}, ${value}`);
}

function bodyFraming(headers: ReadonlyMap<string, string>, http10: boolean): BodyFraming {
  const coding = headers.get('transfer-encoding');
  const length = headers.get('content-length');
  if (coding !== undefined) {
    if (length !== undefined) throw new HttpSyntaxError(400, 'both Content-Length and Transfer-Encoding');
    if (http10) throw new HttpSyntaxError(400, 'Transfer-Encoding in an HTTP/1.0 request');
    if (coding.toLowerCase() !== 'chunked') throw new HttpSyntaxError(501, 'unsupported transfer encoding');
    return { kind: 'chunked' };
  }
  if (length === undefined) return { kind: 'none' };
  if (!/^\d{1,15}$/.test(length)) throw new HttpSyntaxError(400, 'bad Content-Length');
  return length === '0' ? { kind: 'none' } : { kind: 'length', length: Number(length) };
}

function expectsContinue(headers: ReadonlyMap<string, string>, http10: boolean): boolean {
  const expect = headers.get('expect');
  if (expect === undefined || http10) return false;
  if (expect.toLowerCase() !== '100-continue') throw new HttpSyntaxError(417, 'unsupported expectation');
  return true;
}

/** True when a comma-separated field value has this token, in any letter case. */
export function hasToken(value: string, wanted: string): boolean {
  return value.split(',').some((item) => item.trim().toLowerCase() === wanted);
}
