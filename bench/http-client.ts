import { connect, type Socket } from 'node:net';

export interface Reply {
  readonly status: number;
  readonly body: Buffer;
}

/** One kept-alive connection to a daemon's socket; requests take turns. */
export class HttpClient {
  readonly #path: string;
  #socket: Socket | undefined;
  #buffer: Buffer = Buffer.alloc(0);
  #wake: (() => void) | undefined;
  #ended = false;

  constructor(path: string) {
    this.#path = path;
  }

  /** `onHead` is called as soon as the answer's headers are here. */
  async request(method: string, url: string, body?: object | Buffer, onHead?: () => void): Promise<Reply> {
    const socket = await this.#connection();
    const content = body === undefined || Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
    const type = Buffer.isBuffer(body) ? 'application/x-tar' : 'application/json';
    // An engine wants it for a push, whatever is in it.
    let head = `${method} ${url} HTTP/1.1\r\nHost: bench\r\nX-Registry-Auth: e30=\r\n`;
    if (content || method === 'POST') head += `Content-Type: ${type}\r\nContent-Length: ${content?.length ?? 0}\r\n`;
    socket.write(`${head}\r\n`);
    if (content?.length) await writeInPieces(socket, content);
    return this.#reply(method, onHead);
  }

  /** As `request`, and throws unless the status is one of success. */
  async call<T = unknown>(method: string, url: string, body?: object | Buffer): Promise<T> {
    const { status, body: text } = await this.request(method, url, body);
    if (status >= 300) throw new Error(`${method} ${url}: ${status} ${text}`);
    return (text.length > 0 && text[0] === 0x7b) || text[0] === 0x5b ? JSON.parse(firstLine(text)) : (undefined as T);
  }

  close(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  async #connection(): Promise<Socket> {
    if (this.#socket && !this.#ended) return this.#socket;
    this.#ended = false;
    this.#buffer = Buffer.alloc(0);
    const socket = connect(this.#path);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    socket.on('data', (chunk: Buffer) => {
      this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk]);
      this.#wake?.();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#ended = true;
      this.#wake?.();
    });
    this.#socket = socket;
    return socket;
  }

  async #more(): Promise<void> {
    if (this.#ended) throw new Error('the daemon closed the connection');
    const length = this.#buffer.length;
    while (this.#buffer.length === length && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async #take(length: number): Promise<Buffer> {
    while (this.#buffer.length < length) await this.#more();
    const part = this.#buffer.subarray(0, length);
    this.#buffer = this.#buffer.subarray(length);
    return part;
  }

  async #line(): Promise<string> {
    for (;;) {
      const end = this.#buffer.indexOf('\r\n');
      if (end >= 0) return (await this.#take(end + 2)).toString('latin1', 0, end);
      await this.#more();
    }
  }

  async #reply(method: string, onHead?: () => void): Promise<Reply> {
    const status = Number((await this.#line()).split(' ')[1]);
    let length: number | undefined;
    let chunked = false;
    for (let line = await this.#line(); line !== ''; line = await this.#line()) {
      const [name, value = ''] = line.split(': ');
      if (name?.toLowerCase() === 'content-length') length = Number(value);
      if (name?.toLowerCase() === 'transfer-encoding') chunked = true;
    }
    onHead?.();
    if (method === 'HEAD' || status === 204 || status === 304) return { status, body: Buffer.alloc(0) };
    if (chunked) return { status, body: await this.#chunks() };
    if (length !== undefined) return { status, body: await this.#take(length) };
    while (!this.#ended) await this.#more();
    return { status, body: this.#buffer };
  }

  async #chunks(): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (;;) {
      const size = Number.parseInt(await this.#line(), 16);
      if (size === 0) break;
      parts.push(Buffer.from(await this.#take(size)));
      await this.#take(2);
    }
    await this.#line();
    return Buffer.concat(parts);
  }
}

function firstLine(text: Buffer): string {
  const end = text.indexOf('\n');
  return text.toString('utf8', 0, end < 0 ? text.length : end);
}

/** One write of hundreds of megabytes would make the client, not the daemon, what is measured: Bun copies the rest of it each time. */
async function writeInPieces(socket: Socket, content: Buffer): Promise<void> {
  const size = 1 << 20;
  for (let offset = 0; offset < content.length && !socket.destroyed; offset += size) {
    if (socket.write(content.subarray(offset, offset + size))) continue;
    await new Promise<void>((resolve) => {
      const settle = () => {
        socket.off('drain', settle);
        socket.off('close', settle);
        resolve();
      };
      socket.on('drain', settle);
      socket.on('close', settle);
    });
  }
}
