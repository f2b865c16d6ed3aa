import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { UnixDatagrams } from '@wharf/sys/datagram';
import { wouldBlock } from '@wharf/sys/descriptor';

/** Datagrams to one address, which nobody acknowledges. */
export interface DatagramSender {
  send(bytes: Buffer): Promise<void>;
  close(): void;
}

export class UdpSender implements DatagramSender {
  readonly #host: string;
  readonly #port: number;
  #socket: Socket | undefined;

  constructor(host: string, port: number) {
    this.#host = host;
    this.#port = port;
  }

  send(bytes: Buffer): Promise<void> {
    const socket = this.#open();
    return new Promise((resolve, reject) => {
      socket.send(bytes, this.#port, this.#host, (error) => (error ? reject(error) : resolve()));
    });
  }

  close(): void {
    this.#socket?.close();
    this.#socket = undefined;
  }

  #open(): Socket {
    if (!this.#socket) {
      this.#socket = createSocket(isIPv6(this.#host) ? 'udp6' : 'udp4');
      // A receiver that is away says so, where it is this machine; nobody waits for the answer.
      this.#socket.on('error', () => {});
    }
    return this.#socket;
  }
}

const longestWait = 100;

export class UnixDatagramSender implements DatagramSender {
  readonly #path: string;
  #socket: UnixDatagrams | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  async send(bytes: Buffer): Promise<void> {
    this.#socket ??= new UnixDatagrams(this.#path);
    for (let wait = 1; this.#socket.send(bytes) === wouldBlock; wait = Math.min(2 * wait, longestWait)) {
      await delay(wait);
    }
  }

  close(): void {
    this.#socket?.close();
    this.#socket = undefined;
  }
}
