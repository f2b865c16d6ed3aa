import { randomInt } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { inNetworkNamespace } from '@wharf/sys/namespaces';
import { openBoundSocket, openConnectingSocket } from '@wharf/sys/socket';
import { openTcpStream } from '@wharf/sys/tcp-stream';
import { addressBytes, parseAddress } from '../address.ts';
import { firstAnswer } from './first-answer.ts';

/** Docker's: how long one server has, how many are asked, and how many questions may wait. */
const timeoutMilliseconds = 4000;
const maxServers = 3;
const maxInFlight = 1024;
/** How long one that said nothing is asked last. */
const avoidMilliseconds = 30_000;

/** Runs what opens a socket where its questions are to be asked from. */
type Inside = <T>(open: () => T) => T;

/**
 * Asks name servers on behalf of containers, from one network namespace. A server that
 * refuses or stays silent is passed over, and asked after the others for a while.
 */
export class Upstream {
  readonly #inside: Inside;
  readonly #servers = new Map<string, NameServer>();
  /** Servers that said nothing, and until when they are avoided. */
  readonly #silent = new Map<string, number>();
  #inFlight = 0;

  /** From the namespace of this descriptor, or from the host's. */
  constructor(namespace?: number) {
    this.#inside = (open) => (namespace === undefined ? open() : inNetworkNamespace(namespace, open));
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
    const byTcp = transport === 'tcp';
    const answer = byTcp ? await askTcp(query, server, this.#inside) : await this.#server(server).ask(query);
    if (answer) this.#silent.delete(server);
    else this.#silent.set(server, performance.now() + avoidMilliseconds);
    return answer;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#servers.values()].map((server) => server.close()));
    this.#servers.clear();
  }

  #server(address: string): NameServer {
    let server = this.#servers.get(address);
    if (!server) {
      server = new NameServer(address, this.#inside);
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
  readonly #inside: Inside;
  readonly #waiting = new Map<number, Waiting>();
  #socket: Promise<Socket | undefined> | undefined;

  constructor(address: string, inside: Inside) {
    this.#address = address;
    this.#inside = inside;
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
      const socket = await openUdp(isIPv6(this.#address) ? 6 : 4, this.#inside);
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

/** Compares up to the end of the question's name, type and class; letter case may change on the way. */
function sameQuestion(answer: Buffer, question: Buffer): boolean {
  const end = question.indexOf(0) + 5;
  const theirs = answer.toString('latin1', 12, 12 + end).toLowerCase();
  return theirs === question.toString('latin1', 0, end).toLowerCase();
}

async function askTcp(query: Buffer, server: string, inside: Inside): Promise<Buffer | undefined> {
  const address = parseAddress(server);
  if (!address) return undefined;
  const { promise, resolve } = Promise.withResolvers<Buffer | undefined>();
  const timer = setTimeout(resolve, timeoutMilliseconds, undefined);
  let received = Buffer.alloc(0);
  const data = (chunk: Uint8Array) => {
    received = Buffer.concat([received, chunk]);
    if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return;
    resolve(received.subarray(2, 2 + received.readUInt16BE(0)));
  };
  try {
    const fd = inside(() => openConnectingSocket({ address: addressBytes(address), port: 53 }));
    const stream = await openTcpStream(fd, { data, closed: () => resolve(undefined) });
    stream.write(frame(query));
    const answer = await promise;
    stream.destroy();
    return answer;
  } catch {
    // No way to it, or nobody there.
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

/** DNS over TCP: each message behind its length. RFC 1035 4.2.2. */
export function frame(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

const anyAddress = { 4: new Uint8Array(4), 6: new Uint8Array(16) } as const;

async function openUdp(family: 4 | 6, inside: Inside): Promise<Socket> {
  const fd = inside(() => openBoundSocket('udp', { address: anyAddress[family], port: 0 }));
  const socket = createSocket(family === 4 ? 'udp4' : 'udp6');
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.once('error', reject);
  socket.bind({ fd }, resolve);
  await promise;
  return socket;
}
