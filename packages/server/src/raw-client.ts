import { connect, type Socket } from 'node:net';

/** A test's end of a connection: sends bytes as they are, collects what comes back. */
export class RawClient implements AsyncDisposable {
  readonly socket: Socket;
  #received = '';
  #ended = false;
  #wake = Promise.withResolvers<void>();

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#received += chunk.toString('latin1');
      this.#notify();
    });
    socket.on('end', () => this.#finish());
    socket.on('close', () => this.#finish());
    socket.on('error', () => {});
  }

  static async open(path: string): Promise<RawClient> {
    const socket = connect({ path, allowHalfOpen: true });
    const client = new RawClient(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return client;
  }

  send(text: string | Buffer): void {
    this.socket.write(typeof text === 'string' ? Buffer.from(text, 'latin1') : text);
  }

  /** Half-closes: nothing more is sent. */
  end(): void {
    this.socket.end();
  }

  /** What has come until `wanted` was in it. */
  async until(wanted: string): Promise<string> {
    await this.#wait(() => this.#received.includes(wanted));
    return this.#received;
  }

  async untilEnd(): Promise<string> {
    await this.#wait(() => this.#ended);
    return this.#received;
  }

  async #wait(done: () => boolean): Promise<void> {
    while (!done()) {
      if (this.#ended) throw new Error(`the connection ended after ${JSON.stringify(this.#received)}`);
      await this.#wake.promise;
    }
  }

  #finish(): void {
    this.#ended = true;
    this.#notify();
  }

  #notify(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers<void>();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.destroy();
  }
}
