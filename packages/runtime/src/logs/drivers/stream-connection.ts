import { existsSync, readFileSync } from 'node:fs';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Endpoint, TlsFiles } from './endpoint.ts';

export type StreamEndpoint = Extract<Endpoint, { kind: 'tcp' | 'tls' | 'unix' }>;

export interface StreamOptions {
  /** Milliseconds for a write to be taken; 0 is for ever. */
  readonly writeTimeout?: number;
  readonly received?: (chunk: Buffer) => void;
}

/** Milliseconds. */
const connectLimit = 10_000;
const systemRoots = '/etc/ssl/certs/ca-certificates.crt';

/** A connection that is made when there is something to write, and anew when it is lost. */
export class StreamConnection {
  readonly #endpoint: StreamEndpoint;
  readonly #options: StreamOptions;
  #socket: Promise<Socket> | undefined;
  #closed: ((error: Error) => void) | undefined;

  constructor(endpoint: StreamEndpoint, options: StreamOptions = {}) {
    this.#endpoint = endpoint;
    this.#options = options;
  }

  /** Resolves when the kernel has taken the bytes. */
  async write(bytes: Buffer): Promise<void> {
    const socket = await this.#open();
    const { writeTimeout = 0 } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#closed = reject;
    const timer =
      writeTimeout > 0 ? setTimeout(() => reject(new Error('write: i/o timeout')), writeTimeout) : undefined;
    socket.write(bytes, (error) => (error ? reject(error) : resolve()));
    try {
      await promise;
    } catch (error) {
      this.close();
      throw error;
    } finally {
      clearTimeout(timer);
      this.#closed = undefined;
    }
  }

  /** The next write begins with a connection of its own. */
  close(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.then(
      (open) => open.end(),
      () => {},
    );
  }

  #open(): Promise<Socket> {
    if (this.#socket) return this.#socket;
    const opening = connect(this.#endpoint);
    this.#socket = opening;
    const forget = (error: Error) => {
      if (this.#socket === opening) this.#socket = undefined;
      this.#closed?.(error);
    };
    opening.then((socket) => {
      socket.on('data', (chunk: Buffer) => this.#options.received?.(chunk));
      socket.on('error', forget);
      socket.on('end', () => forget(new Error('the receiver has closed the connection')));
      socket.on('close', () => forget(new Error('the receiver has closed the connection')));
    }, forget);
    return opening;
  }
}

function connect(endpoint: StreamEndpoint): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = begin(endpoint, () => {
    clearTimeout(timer);
    socket.off('error', fail);
    resolve(socket);
  });
  const fail = (error: Error) => {
    clearTimeout(timer);
    socket.destroy();
    reject(error);
  };
  const timer = setTimeout(() => fail(new Error('dial: i/o timeout')), connectLimit);
  socket.once('error', fail);
  return promise;
}

function begin(endpoint: StreamEndpoint, connected: () => void): Socket {
  switch (endpoint.kind) {
    case 'unix':
      return connectTcp({ path: endpoint.path }, connected);
    case 'tcp':
      return connectTcp({ host: endpoint.host, port: endpoint.port }, connected);
    case 'tls': {
      const { host, port, tls } = endpoint;
      return connectTls({ host, port, servername: host, ...credentials(tls) }, connected);
    }
  }
}

/** The system's authorities are trusted besides the one that is named. */
function credentials({ ca, cert, key, skipVerify }: TlsFiles): object {
  const roots = [ca, systemRoots].filter((path) => path !== '' && existsSync(path));
  return {
    rejectUnauthorized: !skipVerify,
    ...(roots.length > 0 && { ca: roots.map((path) => readFileSync(path, 'utf8')) }),
    ...(cert !== '' && { cert: readFileSync(cert, 'utf8') }),
    ...(key !== '' && { key: readFileSync(key, 'utf8') }),
  };
}
