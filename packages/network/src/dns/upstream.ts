import { randomInt } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { connect, isIPv6 } from 'node:net';
import { firstAnswer } from './first-answer.ts';

/** Docker's: how long one server has, how many are asked, and how many questions may wait. */
const timeoutMilliseconds = 4000;
const maxServers = 3;
const maxInFlight = 1024;
/** How long one that said nothing is asked last. */
const avoidMilliseconds = 30_000;

/** Gives an unconnected UDP socket of this family in the network namespace that questions are asked from. */
export type OpenUdpSocket = (family: 4 | 6) => Promise<Socket>;

/**
 * Asks name servers on behalf of containers, from the network namespace its sockets are made in. A server that
 * refuses or stays silent is passed over, and asked after the others for a while.
 */
export class Upstream {
  readonly #open: OpenUdpSocket;
  readonly #hasTcp: boolean;
  readonly #servers = new Map<string, NameServer>();
  /** Servers that said nothing, and until when they are avoided. */
  readonly #silent = new Map<string, number>();
  #inFlight = 0;

  /**
   * With `open` the sockets are of another namespace. There TCP cannot be had: such questions go by UDP, and an
   * answer that does not fit is none.
   */
  constructor(open?: OpenUdpSocket) {
    this.#open = open ?? openHostSocket;
    this.#hasTcp = open === undefined;
  }

  /** The first good answer; undefined where none answered in time. */
  async ask(query: Buffer, servers: readonly string[], transport: 'udp' | 'tcp'): Promise<Buffer | undefined> {
    if (this.#inFlight >= maxInFlight) return undefined;
    this.#inFlight++;
    try {
      const now = performance.now();
      const avoided = (server: string) => Number((this.#silent.get(server) ?? 0) > now);
      const order = servers.slice(0, maxServers).toSorted((a, b) => avoided(a) - avoided(b));
      return await firstAnswer(order.map((server) => () => this.#askServer(server, query, transport)));
    } finally {
      this.#inFlight--;
    }
  }

  async #askServer(server: string, query: Buffer, transport: 'udp' | 'tcp'): Promise<Buffer | undefined> {
    const byTcp = transport === 'tcp' && this.#hasTcp;
    const answer = byTcp ? await askTcp(query, server) : await this.#server(server).ask(query);
    if (answer) this.#silent.delete(server);
    else this.#silent.set(server, performance.now() + avoidMilliseconds);
    return answer && (transport === 'udp' || byTcp || !isTruncated(answer)) ? answer : undefined;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#servers.values()].map((server) => server.close()));
    this.#servers.clear();
  }

  #server(address: string): NameServer {
    let server = this.#servers.get(address);
    if (!server) {
      server = new NameServer(address, this.#open);
      this.#servers.set(address, server);
    }
    return server;
  }
}

interface Waiting {
  /** What follows the id and flags of the query. */
  readonly question: Buffer;
  readonly answer: (bytes: Buffer | undefined) => void;
}

/**
 * One server, over a connected socket: only it can answer, and its refusal is noticed at once. Questions get a
 * random id of their own, and an answer counts only with the question that was asked.
 */
class NameServer {
  readonly #address: string;
  readonly #open: OpenUdpSocket;
  readonly #waiting = new Map<number, Waiting>();
  #socket: Promise<Socket | undefined> | undefined;

  constructor(address: string, open: OpenUdpSocket) {
    this.#address = address;
    this.#open = open;
  }

  async ask(query: Buffer): Promise<Buffer | undefined> {
    this.#socket ??= this.#connect();
    const socket = await this.#socket;
    if (!socket) return undefined;
    const id = this.#freeId();
    const { promise, resolve } = Promise.withResolvers<Buffer | undefined>();
    const timer = setTimeout(resolve, timeoutMilliseconds, undefined);
    this.#waiting.set(id, { question: query.subarray(12), answer: resolve });
    const numbered = Buffer.from(query);
    numbered.writeUInt16BE(id, 0);
    try {
      socket.send(numbered, (error) => error && resolve(undefined));
      const answer = await promise;
      answer?.writeUInt16BE(query.readUInt16BE(0), 0);
      return answer;
    } catch {
      // The socket was closed in the meantime.
      return undefined;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(id);
    }
  }

  async close(): Promise<void> {
    this.#giveUp();
    const socket = await this.#socket;
    this.#socket = Promise.resolve(undefined);
    socket?.close();
  }

  async #connect(): Promise<Socket | undefined> {
    try {
      const socket = await this.#open(isIPv6(this.#address) ? 6 : 4);
      socket.on('message', (bytes: Buffer) => this.#receive(bytes));
      socket.on('error', () => this.#giveUp());
      socket.unref();
      const { promise, resolve } = Promise.withResolvers<void>();
      socket.connect(53, this.#address, () => resolve());
      await promise;
      return socket;
    } catch {
      this.#socket = undefined;
      return undefined;
    }
  }

  #receive(bytes: Buffer): void {
    if (bytes.length < 12) return;
    const waiting = this.#waiting.get(bytes.readUInt16BE(0));
    if (waiting && sameQuestion(bytes, waiting.question)) waiting.answer(Buffer.from(bytes));
  }

  /** The server refused: whoever waits goes on to the next one. */
  #giveUp(): void {
    for (const { answer } of this.#waiting.values()) answer(undefined);
  }

  #freeId(): number {
    for (;;) {
      const id = randomInt(65536);
      if (!this.#waiting.has(id)) return id;
    }
  }
}

function isTruncated(answer: Buffer): boolean {
  return (answer.readUInt16BE(2) & 0x0200) !== 0;
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

async function openHostSocket(family: 4 | 6): Promise<Socket> {
  const socket = createSocket(family === 4 ? 'udp4' : 'udp6');
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.once('error', reject);
  socket.bind(0, resolve);
  await promise;
  return socket;
}
