import { closeDescriptor } from '@wharf/sys/descriptor';
import { type Reactor, writable } from '@wharf/sys/reactor';
import { Outgoing } from './outgoing.ts';

/** The writing end of a process' stdin: a pipe or a pty. It owns the descriptor. */
export class Stdin {
  readonly fd: number;
  readonly #reactor: Reactor;
  readonly #outgoing: Outgoing;
  #ending = false;
  #closed = false;

  /** `drained` is called when the process has taken what was kept for it, or never will. */
  constructor(reactor: Reactor, fd: number, drained: () => void) {
    this.fd = fd;
    this.#reactor = reactor;
    const flushed = () => {
      if (this.#ending) this.close();
      drained();
    };
    this.#outgoing = new Outgoing(fd, 'file', (on) => this.#watch(on), flushed);
  }

  get pending(): number {
    return this.#outgoing.pending;
  }

  get rest(): Buffer {
    return this.#outgoing.rest;
  }

  get ending(): boolean {
    return this.#ending;
  }

  get closed(): boolean {
    return this.#closed;
  }

  write(bytes: Uint8Array): void {
    if (this.#closed || this.#ending) return;
    this.#outgoing.write(bytes);
    if (this.#outgoing.broken) this.close();
  }

  /** EOF, after what is kept. */
  end(): void {
    this.#ending = true;
    if (this.pending === 0) this.close();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#watch(false);
    closeDescriptor(this.fd);
  }

  #watch(on: boolean): void {
    if (on) {
      this.#reactor.watch(this.fd, writable, () => {
        this.#outgoing.flush();
        if (this.#outgoing.broken) this.close();
      });
    } else {
      this.#reactor.unwatch(this.fd);
    }
  }
}
