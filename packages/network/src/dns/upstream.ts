import { randomInt } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { connect } from 'node:net';

/** Docker's: how long one server has, how many are asked, and how many questions may wait. */
const timeoutMilliseconds = 4000;
const maxServers = 3;
const maxInFlight = 1024;

interface Waiting {
  readonly question: Buffer;
  readonly server: string;
  readonly answer: (bytes: Buffer | undefined) => void;
}

/**
 * Asks name servers on behalf of containers, from the network namespace its socket was made in. Questions get a
 * random id of their own, and an answer counts only from the server asked and with the question asked.
 */
export class Upstream {
  readonly #open: () => Promise<Socket>;
  #socket: Promise<Socket> | undefined;
  readonly #waiting = new Map<number, Waiting>();

  /** `open` gives a bound UDP socket; it is called at the first question. */
  constructor(open: () => Promise<Socket> = openHostSocket) {
    this.#open = open;
  }

  /** The first server's answer; undefined where none answered in time. */
  async ask(query: Buffer, servers: readonly string[], transport: 'udp' | 'tcp'): Promise<Buffer | undefined> {
    if (this.#waiting.size >= maxInFlight) return undefined;
    for (const server of servers.slice(0, maxServers)) {
      const answer = transport === 'udp' ? await this.#askUdp(query, server) : await askTcp(query, server);
      if (answer) return answer;
    }
    return undefined;
  }

  async close(): Promise<void> {
    for (const { answer } of this.#waiting.values()) answer(undefined);
    const socket = await this.#socket?.catch(() => undefined);
    socket?.close();
  }

  async #askUdp(query: Buffer, server: string): Promise<Buffer | undefined> {
    const socket = await this.#connected();
    if (!socket) return undefined;
    const id = this.#freeId();
    const { promise, resolve } = Promise.withResolvers<Buffer | undefined>();
    const timer = setTimeout(resolve, timeoutMilliseconds, undefined);
    this.#waiting.set(id, { question: query.subarray(12), server, answer: resolve });
    const numbered = Buffer.from(query);
    numbered.writeUInt16BE(id, 0);
    try {
      // A name server that has no UDP port open answers ECONNREFUSED here or by the timeout.
      socket.send(numbered, 53, server, (error) => error && resolve(undefined));
      const answer = await promise;
      answer?.writeUInt16BE(query.readUInt16BE(0), 0);
      return answer;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(id);
    }
  }

  async #connected(): Promise<Socket | undefined> {
    this.#socket ??= this.#open().then((socket) => {
      socket.on('message', (bytes: Buffer, { address }) => this.#receive(bytes, address));
      socket.on('error', () => {});
      socket.unref();
      return socket;
    });
    return await this.#socket.catch(() => undefined);
  }

  #receive(bytes: Buffer, from: string): void {
    if (bytes.length < 12) return;
    const waiting = this.#waiting.get(bytes.readUInt16BE(0));
    if (!waiting || waiting.server !== from || !sameQuestion(bytes, waiting.question)) return;
    waiting.answer(Buffer.from(bytes));
  }

  #freeId(): number {
    for (;;) {
      const id = randomInt(65536);
      if (!this.#waiting.has(id)) return id;
    }
  }
}

/** Compares up to the end of the question's name, type and class; letter case may change on the way. */
function sameQuestion(answer: Buffer, question: Buffer): boolean {
  const end = question.indexOf(0) + 5;
  const theirs = answer.toString('latin1', 12, 12 + end).toLowerCase();
  return theirs === question.toString('latin1', 0, end).toLowerCase();
}

async function askTcp(query: Buffer, server: string): Promise<Buffer | undefined> {
  const { promise, resolve } = Promise.withResolvers<Buffer | undefined>();
  const socket = connect({ host: server, port: 53 });
  const timer = setTimeout(resolve, timeoutMilliseconds, undefined);
  let received = Buffer.alloc(0);
  socket.on('error', () => resolve(undefined));
  socket.on('close', () => resolve(undefined));
  socket.on('connect', () => socket.write(frame(query)));
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    if (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
      resolve(received.subarray(2, 2 + received.readUInt16BE(0)));
    }
  });
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}

/** DNS over TCP: each message behind its length. RFC 1035 4.2.2. */
export function frame(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

async function openHostSocket(): Promise<Socket> {
  const socket = createSocket('udp4');
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.once('error', reject);
  socket.bind(0, resolve);
  await promise;
  return socket;
}
