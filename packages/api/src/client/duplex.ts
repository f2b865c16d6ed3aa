import { EngineError } from '@wharf/base/error';
import type { DaemonAddress } from './address.ts';

/** TLS material for a tcp address, in PEM. */
export interface ClientTls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly verify: boolean;
}

/** A byte stream to the daemon that closes each way on its own. */
export interface Duplex {
  /** The next bytes; null after the last; throws when the connection broke. */
  read(): Promise<Uint8Array | null>;
  /** Gives bytes back, to be read first. */
  unread(bytes: Uint8Array): void;
  /** Resolves when the kernel has taken every byte. */
  write(bytes: Uint8Array): Promise<void>;
  /** Half-close: the far side reads an end, and may go on sending. */
  closeWrite(): Promise<void>;
  close(): void;
  /** False once the far side has ended or the connection broke. */
  readonly open: boolean;
}

// Bytes kept for a reader that is slow; beyond it the socket is paused.
const readAhead = 1 << 20;

/**
 * Connects to the daemon. Uses Bun's own sockets: node:net alone costs a client more
 * time to load than everything else it does.
 */
export async function dial(address: DaemonAddress, tls?: ClientTls): Promise<Duplex> {
  const duplex = new SocketDuplex();
  const socket = {
    open: (opened: Bun.Socket) => duplex.attach(opened),
    data: (_: Bun.Socket, bytes: Uint8Array) => duplex.push(bytes),
    drain: () => duplex.drained(),
    end: () => duplex.finish(),
    close: () => duplex.finish(),
    error: (_: Bun.Socket, error: Error) => duplex.fail(error),
  };
  if (address.kind === 'unix') await Bun.connect({ unix: address.path, socket, allowHalfOpen: true });
  else if (!tls) await Bun.connect({ hostname: address.hostname, port: address.port, socket, allowHalfOpen: true });
  else await dialTls(duplex, address.hostname, address.port, tls, socket);
  return duplex;
}

type Handlers = {
  open(socket: Bun.Socket): void;
  data(socket: Bun.Socket, bytes: Uint8Array): void;
  drain(): void;
  end(): void;
  close(): void;
  error(socket: Bun.Socket, error: Error): void;
};

async function dialTls(duplex: SocketDuplex, hostname: string, port: number, tls: ClientTls, socket: Handlers) {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const handshake = (connected: Bun.Socket, success: boolean, error: Error | null) => {
    if (tls.verify && (!success || error)) {
      reject(error ?? new EngineError('unavailable', 'tls: handshake failed'));
      connected.terminate();
    } else resolve();
  };
  await Bun.connect({
    hostname,
    port,
    allowHalfOpen: true,
    tls: {
      rejectUnauthorized: tls.verify,
      serverName: hostname,
      ...(tls.ca === undefined ? {} : { ca: tls.ca }),
      ...(tls.cert === undefined ? {} : { cert: tls.cert }),
      ...(tls.key === undefined ? {} : { key: tls.key }),
    },
    socket: {
      ...socket,
      handshake,
      close: () => {
        reject(
          duplex.failure ?? new EngineError('unavailable', 'the daemon closed the connection during the TLS handshake'),
        );
        socket.close();
      },
    },
  });
  await promise;
}

class SocketDuplex implements Duplex {
  #socket: Bun.Socket | undefined;
  readonly #chunks: Uint8Array[] = [];
  #buffered = 0;
  #paused = false;
  #ended = false;
  failure: Error | undefined;
  #reader: (() => void) | undefined;
  #writer: (() => void) | undefined;

  get open(): boolean {
    return !this.#ended && this.failure === undefined;
  }

  attach(socket: Bun.Socket): void {
    this.#socket = socket;
  }

  push(bytes: Uint8Array): void {
    this.#chunks.push(bytes);
    this.#buffered += bytes.length;
    if (this.#buffered > readAhead && !this.#paused) {
      this.#paused = true;
      this.#socket?.pause();
    }
    this.#wakeReader();
  }

  drained(): void {
    const waiting = this.#writer;
    this.#writer = undefined;
    waiting?.();
  }

  finish(): void {
    this.#ended = true;
    this.#wakeReader();
    this.drained();
  }

  fail(error: Error): void {
    this.failure ??= error;
    this.finish();
  }

  async read(): Promise<Uint8Array | null> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk) {
        this.#buffered -= chunk.length;
        if (this.#paused && this.#buffered < readAhead / 2) {
          this.#paused = false;
          this.#socket?.resume();
        }
        return chunk;
      }
      if (this.failure) throw this.failure;
      if (this.#ended) return null;
      await new Promise<void>((wake) => {
        this.#reader = wake;
      });
    }
  }

  unread(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#chunks.unshift(bytes);
    this.#buffered += bytes.length;
  }

  async write(bytes: Uint8Array): Promise<void> {
    let rest = bytes;
    while (rest.length > 0) {
      if (this.failure) throw this.failure;
      const written = this.#socket?.write(rest) ?? -1;
      if (written < 0) throw new EngineError('unavailable', 'write: the connection to the daemon is closed');
      rest = rest.subarray(written);
      if (rest.length === 0) return;
      await new Promise<void>((wake) => {
        this.#writer = wake;
      });
      if (this.#ended && this.failure === undefined && this.#socket?.readyState !== 1)
        throw new EngineError('unavailable', 'write: the connection to the daemon is closed');
    }
  }

  async closeWrite(): Promise<void> {
    this.#socket?.flush();
    this.#socket?.shutdown();
  }

  close(): void {
    this.#socket?.end();
    this.#socket?.terminate();
    this.finish();
  }

  #wakeReader(): void {
    const waiting = this.#reader;
    this.#reader = undefined;
    waiting?.();
  }
}
