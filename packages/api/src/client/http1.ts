import { EngineError } from '@wharf/base/error';
import type { Duplex } from './duplex.ts';

export interface ResponseHead {
  readonly status: number;
  readonly reason: string;
  /** Names in lower case; the last of several values. */
  readonly headers: ReadonlyMap<string, string>;
}

const maxHead = 1 << 20;
const decoder = new TextDecoder('latin1');

/** `METHOD target` with its headers, ended by the empty line. */
export function encodeRequestHead(method: string, target: string, headers: ReadonlyMap<string, string>): string {
  let head = `${method} ${target} HTTP/1.1\r\n`;
  for (const [name, value] of headers) {
    if (/[\r\n]/.test(value)) throw new EngineError('invalid_argument', `invalid value of header ${name}`);
    head += `${name}: ${value}\r\n`;
  }
  return `${head}\r\n`;
}

/** Reads up to the end of the headers; what follows stays in the stream. Null when the stream ended before its first byte. */
export async function readResponseHead(stream: Duplex): Promise<ResponseHead | null> {
  let text = '';
  for (;;) {
    const chunk = await stream.read();
    if (chunk === null) {
      if (text === '') return null;
      throw malformed('the response ended within its headers');
    }
    const before = text.length;
    text += decoder.decode(chunk);
    const end = text.indexOf('\r\n\r\n', Math.max(0, before - 3));
    if (end >= 0) {
      stream.unread(chunk.subarray(end + 4 - before));
      const head = parseHead(text.slice(0, end));
      // 100 Continue and its like precede the answer. rfc9110#15.2
      if (head.status >= 102 || head.status === 101) return head;
      text = '';
      continue;
    }
    if (text.length > maxHead) throw malformed('the headers of the response are too long');
  }
}

function parseHead(text: string): ResponseHead {
  const [statusLine = '', ...lines] = text.split('\r\n');
  const match = /^HTTP\/1\.[01] (\d{3})(?: (.*))?$/.exec(statusLine);
  if (!match) throw malformed(`not an HTTP response: ${JSON.stringify(statusLine.slice(0, 60))}`);
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon > 0) headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  return { status: Number(match[1]), reason: match[2] ?? '', headers };
}

/**
 * The body's bytes as they come. `finished` is called once, after the last byte, with whether the
 * connection may serve another request.
 */
export async function* readBody(
  stream: Duplex,
  head: ResponseHead,
  method: string,
  finished: (reusable: boolean) => void,
): AsyncGenerator<Uint8Array> {
  let reusable = false;
  try {
    const close = head.headers.get('connection')?.toLowerCase() === 'close';
    if (method === 'HEAD' || head.status === 204 || head.status === 304) {
      reusable = !close;
      return;
    }
    const length = head.headers.get('content-length');
    if (head.headers.get('transfer-encoding')?.toLowerCase().endsWith('chunked')) yield* readChunked(stream);
    else if (length !== undefined) yield* readExactly(stream, Number(length));
    else {
      for (let chunk = await stream.read(); chunk !== null; chunk = await stream.read()) yield chunk;
      return;
    }
    reusable = !close;
  } finally {
    finished(reusable);
  }
}

async function* readExactly(stream: Duplex, length: number): AsyncGenerator<Uint8Array> {
  let left = length;
  while (left > 0) {
    const chunk = await stream.read();
    if (chunk === null) throw unexpectedEnd();
    if (chunk.length > left) stream.unread(chunk.subarray(left));
    const taken = chunk.length > left ? chunk.subarray(0, left) : chunk;
    left -= taken.length;
    yield taken;
  }
}

async function* readChunked(stream: Duplex): AsyncGenerator<Uint8Array> {
  for (;;) {
    const size = /^([0-9a-fA-F]{1,8})(?:;.*)?$/.exec(await readLine(stream));
    if (!size) throw malformed('invalid chunk size in the response');
    const length = Number.parseInt(size[1] ?? '', 16);
    if (length === 0) {
      while ((await readLine(stream)) !== '');
      return;
    }
    yield* readExactly(stream, length);
    if ((await readLine(stream)) !== '') throw malformed('invalid end of a chunk in the response');
  }
}

async function readLine(stream: Duplex): Promise<string> {
  let line = '';
  for (;;) {
    const chunk = await stream.read();
    if (chunk === null) throw unexpectedEnd();
    const newline = chunk.indexOf(10);
    if (newline >= 0) {
      stream.unread(chunk.subarray(newline + 1));
      line += decoder.decode(chunk.subarray(0, newline));
      return line.endsWith('\r') ? line.slice(0, -1) : line;
    }
    line += decoder.decode(chunk);
    if (line.length > 4096) throw malformed('a line of the response is too long');
  }
}

function malformed(message: string): EngineError {
  return new EngineError('data_loss', message);
}

function unexpectedEnd(): EngineError {
  return new EngineError('unavailable', 'unexpected EOF');
}
