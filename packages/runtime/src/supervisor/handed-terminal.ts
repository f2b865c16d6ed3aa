import { rmSync } from 'node:fs';
import { closeDescriptor, setNonBlocking } from '@wharf/sys/descriptor';
import { setWindowSize } from '@wharf/sys/pty';
import { type Reactor, readable } from '@wharf/sys/reactor';
import { acceptUnix, listenUnix, receiveDescriptor } from '@wharf/sys/unix-socket';
import type { WindowSize } from './supervisor.ts';

/**
 * The console socket over which a runtime hands the master of a pty, and the pty. An exec'd process runs while its
 * runtime still winds up: the pty is taken, and gets its size, at the moment it comes.
 */
export class HandedTerminal {
  readonly path: string;
  readonly #reactor: Reactor;
  readonly #size: WindowSize | undefined;
  #socket: number;
  #accepted = false;
  #master: number | undefined;

  constructor(reactor: Reactor, path: string, size: WindowSize | undefined) {
    this.path = path;
    this.#reactor = reactor;
    this.#size = size;
    this.#socket = listenUnix(path, 1);
    reactor.watch(this.#socket, readable, () => this.#accept());
  }

  /** The master, non-blocking, for the caller to own. Throws if the runtime sent none. */
  take(): number {
    this.#accept();
    this.#receive();
    const master = this.#master;
    this.#master = undefined;
    this.close();
    if (master === undefined) throw new Error('the runtime did not hand over a terminal');
    return master;
  }

  close(): void {
    if (this.#socket >= 0) {
      this.#drop();
      rmSync(this.path, { force: true });
    }
    if (this.#master !== undefined) closeDescriptor(this.#master);
  }

  #accept(): void {
    if (this.#accepted) return;
    const connection = acceptUnix(this.#socket);
    if (connection === undefined) return;
    this.#drop();
    this.#accepted = true;
    this.#socket = connection;
    this.#reactor.watch(connection, readable, () => this.#receive());
  }

  #receive(): void {
    if (!this.#accepted || this.#socket < 0) return;
    try {
      this.#master = receiveDescriptor(this.#socket);
      setNonBlocking(this.#master);
      if (this.#size) setWindowSize(this.#master, this.#size);
    } finally {
      this.#drop();
      rmSync(this.path, { force: true });
    }
  }

  #drop(): void {
    this.#reactor.unwatch(this.#socket);
    closeDescriptor(this.#socket);
    this.#socket = -1;
  }
}
