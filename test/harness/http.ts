import { connect, type Socket } from 'node:net';

/** A client of plain sockets, independent of the product's own, that shows the wire as it is. */
export interface RequestOptions {
  /** Objects travel as JSON; strings and buffers as they are. */
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly text: string;
  readonly bytes: Buffer;
  /** The parsed body; throws when it is none. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly json: any;
}

/** An answer whose body is still under way. */
export interface OpenAnswer {
  readonly status: number;
  readonly headers: Record<string, string>;
  /** Body bytes, decoded from chunks where they are chunked. */
  readonly body: AsyncGenerator<Buffer, void>;
  readonly reader: SocketReader;
  readonly socket: Socket;
}

export async function request(path: string, method: string, url: string, options: RequestOptions = {}) {
  const open = await openRequest(path, method, url, options);
  const chunks: Buffer[] = [];
  if (method !== 'HEAD') for await (const chunk of open.body) chunks.push(chunk);
  open.socket.destroy();
  const bytes = Buffer.concat(chunks);
  const text = bytes.toString();
  return {
    status: open.status,
    headers: open.headers,
    text,
    bytes,
    get json() {
      return JSON.parse(text);
    },
  } satisfies Answer;
}

export async function openRequest(
  path: string,
  method: string,
  url: string,
  { body, headers = {} }: RequestOptions = {},
): Promise<OpenAnswer> {
  const socket = await openSocket(path);
  const payload = body === undefined ? undefined : encode(body);
  const lines = [`${method} ${url} HTTP/1.1`, 'Host: docker'];
  if (payload) lines.push(`Content-Length: ${payload.length}`);
  if (payload && headers['Content-Type'] === undefined) lines.push('Content-Type: application/json');
  if (!payload && method === 'POST') lines.push('Content-Length: 0');
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  const reader = new SocketReader(socket);
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  if (payload) socket.write(payload);
  const head = await reader.head();
  return { ...head, body: readBody(reader, head.status, head.headers), reader, socket };
}

/** Sends exactly these bytes and gives what comes back until the server closes or `until` is seen. */
export async function exchange(path: string, bytes: string | Buffer, until?: string): Promise<string> {
  const socket = await openSocket(path);
  const reader = new SocketReader(socket);
  socket.write(bytes);
  let text = '';
  for (;;) {
    const chunk = await reader.some();
    if (!chunk) break;
    text += chunk.toString('latin1');
    if (until !== undefined && text.includes(until)) break;
  }
  socket.destroy();
  return text;
}

export function openSocket(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path, allowHalfOpen: true });
    socket.once('connect', () => {
      socket.off('error', reject);
      socket.on('error', () => {});
      resolve(socket);
    });
    socket.once('error', reject);
  });
}

function encode(body: unknown): Buffer {
  if (Buffer.isBuffer(body)) return body;
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
}

/** Pulls bytes from a socket in the amounts that a parser asks for. */
export class SocketReader {
  #chunks: Buffer[] = [];
  #ended = false;
  #wake: (() => void) | undefined;

  constructor(socket: Socket) {
    const end = () => {
      this.#ended = true;
      this.#wake?.();
    };
    socket.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#wake?.();
    });
    socket.once('end', end);
    socket.once('close', end);
    socket.once('error', end);
  }

  /** The next bytes there are; undefined at the end. */
  async some(limit = Number.MAX_SAFE_INTEGER): Promise<Buffer | undefined> {
    while (this.#chunks.length === 0) {
      if (this.#ended) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const first = this.#chunks.shift()!;
    if (first.length <= limit) return first;
    this.#chunks.unshift(first.subarray(limit));
    return first.subarray(0, limit);
  }

  async exactly(count: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (let left = count; left > 0; ) {
      const part = await this.some(left);
      if (!part) throw new Error(`the stream ended ${left} bytes early`);
      parts.push(part);
      left -= part.length;
    }
    return Buffer.concat(parts);
  }

  async line(): Promise<string> {
    let text = '';
    while (!text.endsWith('\r\n')) text += (await this.exactly(1)).toString('latin1');
    return text.slice(0, -2);
  }

  async head(): Promise<{ status: number; headers: Record<string, string> }> {
    const status = Number((await this.line()).split(' ')[1]);
    const headers: Record<string, string> = {};
    for (let line = await this.line(); line !== ''; line = await this.line()) {
      const colon = line.indexOf(':');
      headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
    }
    return status === 100 ? this.head() : { status, headers };
  }

  async rest(): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (let part = await this.some(); part; part = await this.some()) parts.push(part);
    return Buffer.concat(parts);
  }
}

async function* readBody(reader: SocketReader, status: number, headers: Record<string, string>) {
  if (status === 204 || status === 304) return;
  if (headers['transfer-encoding'] === 'chunked') {
    for (;;) {
      const size = Number.parseInt(await reader.line(), 16);
      const chunk = await reader.exactly(size);
      await reader.line();
      if (size === 0) return;
      yield chunk;
    }
  }
  let left = headers['content-length'] === undefined ? undefined : Number(headers['content-length']);
  while (left === undefined || left > 0) {
    const chunk = await reader.some(left);
    if (!chunk) return;
    if (left !== undefined) left -= chunk.length;
    yield chunk;
  }
}
