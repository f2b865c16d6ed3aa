import { connect, type Socket } from 'node:net';

export interface Reply {
  readonly status: number;
  readonly body: Buffer;
}

/** One kept-alive connection to a daemon's socket; requests take turns. What arrives is not copied but once, at its end. */
export class HttpClient {
  readonly #path: string;
  #socket: Socket | undefined;
  #pieces: Buffer[] = [];
  #buffered = 0;
  #wake: (() => void) | undefined;
  #ended = false;

  constructor(path: string) {
    this.#path = path;
  }

  /** `onHead` is called as soon as the answer's headers are here. */
  async request(method: string, url: string, body?: object | Buffer, onHead?: () => void): Promise<Reply> {
    await this.#send(method, url, body);
    const pieces: Buffer[] = [];
    const status = await this.#reply(method, (piece) => pieces.push(piece), onHead);
    return { status, body: pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces) };
  }

  /** As `request`, and throws unless the status is one of success. */
  async call<T = unknown>(method: string, url: string, body?: object | Buffer): Promise<T> {
    const { status, body: text } = await this.request(method, url, body);
    if (status >= 300) throw new Error(`${method} ${url}: ${status} ${text}`);
    return (text.length > 0 && text[0] === 0x7b) || text[0] === 0x5b ? JSON.parse(firstLine(text)) : (undefined as T);
  }

  /** Takes a large answer and drops it. Resolves with its length; throws unless the status is one of success. */
  async drain(url: string): Promise<number> {
    await this.#send('GET', url);
    let length = 0;
    const status = await this.#reply('GET', (piece) => {
      length += piece.length;
    });
    if (status >= 300) throw new Error(`GET ${url}: ${status}`);
    return length;
  }

  close(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  async #send(method: string, url: string, body?: object | Buffer): Promise<void> {
    const socket = await this.#connection();
    const content = body === undefined || Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
    const type = Buffer.isBuffer(body) ? 'application/x-tar' : 'application/json';
    // An engine wants it for a push, whatever is in it.
    let head = `${method} ${url} HTTP/1.1\r\nHost: bench\r\nX-Registry-Auth: e30=\r\n`;
    if (content || method === 'POST') head += `Content-Type: ${type}\r\nContent-Length: ${content?.length ?? 0}\r\n`;
    socket.write(`${head}\r\n`);
    if (content?.length) await writeInPieces(socket, content);
  }

  async #connection(): Promise<Socket> {
    if (this.#socket && !this.#ended) return this.#socket;
    this.#ended = false;
    this.#pieces = [];
    this.#buffered = 0;
    const socket = connect(this.#path);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    socket.on('data', (chunk: Buffer) => {
      this.#pieces.push(chunk);
      this.#buffered += chunk.length;
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
    const before = this.#buffered;
    while (this.#buffered === before && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Hands over the next bytes, at most `limit`, as they came. */
  #shift(limit: number): Buffer {
    const first = this.#pieces[0]!;
    const part = first.length <= limit ? first : first.subarray(0, limit);
    if (part === first) this.#pieces.shift();
    else this.#pieces[0] = first.subarray(limit);
    this.#buffered -= part.length;
    return part;
  }

  async #take(length: number, sink: (piece: Buffer) => void): Promise<void> {
    for (let left = length; left > 0; ) {
      while (this.#buffered === 0) await this.#more();
      const part = this.#shift(left);
      left -= part.length;
      sink(part);
    }
  }

  async #line(): Promise<string> {
    for (let line = ''; ; ) {
      while (this.#buffered === 0) await this.#more();
      const end = this.#pieces[0]!.indexOf(0x0a);
      line += this.#shift(end < 0 ? this.#buffered : end + 1).toString('latin1');
      if (end >= 0) return line.slice(0, -2);
    }
  }

  /** Resolves with the status once all of the body has been handed to `sink`. */
  async #reply(method: string, sink: (piece: Buffer) => void, onHead?: () => void): Promise<number> {
    const status = Number((await this.#line()).split(' ')[1]);
    let length: number | undefined;
    let chunked = false;
    for (let line = await this.#line(); line !== ''; line = await this.#line()) {
      const [name, value = ''] = line.split(': ');
      if (name?.toLowerCase() === 'content-length') length = Number(value);
      if (name?.toLowerCase() === 'transfer-encoding') chunked = true;
    }
    onHead?.();
    if (method === 'HEAD' || status === 204 || status === 304) return status;
    if (chunked) await this.#chunks(sink);
    else if (length !== undefined) await this.#take(length, sink);
    else {
      while (!this.#ended) await this.#more();
      await this.#take(this.#buffered, sink);
    }
    return status;
  }

  async #chunks(sink: (piece: Buffer) => void): Promise<void> {
    for (;;) {
      const size = Number.parseInt(await this.#line(), 16);
      if (size === 0) break;
      await this.#take(size, sink);
      await this.#line();
    }
    await this.#line();
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
