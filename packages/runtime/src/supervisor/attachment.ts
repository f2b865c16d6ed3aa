import { closeDescriptor, readDescriptor, shutdownWrite, wouldBlock } from '@wharf/sys/descriptor';
import { hangup, type Reactor, readable, writable } from '@wharf/sys/reactor';
import { Outgoing } from './outgoing.ts';
import type { AttachStreams } from './supervisor.ts';

export interface AttachmentHooks {
  /** Stdin from the client; false asks for no more until `wantInput`. The chunk is reused afterwards. */
  input(chunk: Buffer): boolean;
  inputEnded(): void;
  /** The client has taken what was kept for it. */
  drained(): void;
  /** The client is gone. */
  closed(): void;
}

export interface AttachmentState {
  readonly fd: number;
  readonly streams: AttachStreams;
  readonly rest: string;
  readonly inputEnded: boolean;
}

/** One client's connection to the stdio of a process. It owns the socket. */
export class Attachment {
  readonly streams: AttachStreams;
  readonly #reactor: Reactor;
  readonly #fd: number;
  readonly #scratch: Buffer;
  readonly #hooks: AttachmentHooks;
  readonly #outgoing: Outgoing;
  #reading: boolean;
  #writing = false;
  #inputEnded = false;
  #finishing = false;
  #closed = false;

  constructor(reactor: Reactor, fd: number, streams: AttachStreams, scratch: Buffer, hooks: AttachmentHooks) {
    this.streams = streams;
    this.#reactor = reactor;
    this.#fd = fd;
    this.#scratch = scratch;
    this.#hooks = hooks;
    this.#reading = streams.stdin;
    const watch = (on: boolean) => {
      this.#writing = on;
      this.#watch();
    };
    this.#outgoing = new Outgoing(fd, 'socket', watch, () => this.#flushed());
    reactor.watch(fd, this.#events(), (events) => this.#ready(events));
  }

  /** Bytes that the client has not taken yet. */
  get pending(): number {
    return this.#outgoing.pending;
  }

  get inputEnded(): boolean {
    return this.#inputEnded;
  }

  send(bytes: Uint8Array): void {
    if (this.#closed || this.#finishing) return;
    this.#outgoing.write(bytes);
    if (this.#outgoing.broken) this.close();
  }

  /** Whether to read more stdin. */
  wantInput(on: boolean): void {
    if (this.#closed) return;
    this.#reading = on && this.streams.stdin && !this.#inputEnded;
    this.#watch();
  }

  /** Nothing more will be sent: what is kept goes out, then the client reads the end. What it still writes is dropped. */
  finish(): void {
    if (this.#closed || this.#finishing) return;
    this.#finishing = true;
    this.#reading = !this.#inputEnded;
    this.#watch();
    if (this.pending === 0) this.#flushed();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#reactor.unwatch(this.#fd);
    closeDescriptor(this.#fd);
    this.#hooks.closed();
  }

  /** For another program that takes over the descriptor. */
  save(): AttachmentState {
    return {
      fd: this.#fd,
      streams: this.streams,
      rest: this.#outgoing.rest.toString('base64'),
      inputEnded: this.#inputEnded,
    };
  }

  restore({ rest, inputEnded }: AttachmentState): void {
    this.#inputEnded = inputEnded;
    this.wantInput(!inputEnded);
    this.send(Buffer.from(rest, 'base64'));
  }

  #ready(events: number): void {
    if (events & writable && this.#writing) this.#outgoing.flush();
    if (this.#outgoing.broken) this.close();
    if (this.#closed) return;
    if (this.#reading && events & (readable | hangup)) this.#read();
    else if (events & hangup) this.close();
  }

  #read(): void {
    const length = readDescriptor(this.#fd, this.#scratch);
    if (length === wouldBlock) return;
    if (length > 0) {
      if (!this.#finishing && !this.#hooks.input(this.#scratch.subarray(0, length))) this.wantInput(false);
      return;
    }
    if (length < 0) {
      this.close();
      return;
    }
    this.#inputEnded = true;
    this.#reading = false;
    this.#watch();
    if (!this.#finishing) this.#hooks.inputEnded();
    else if (this.pending === 0) this.close();
  }

  #flushed(): void {
    if (!this.#finishing) {
      this.#hooks.drained();
      return;
    }
    shutdownWrite(this.#fd);
    // Closing with unread bytes would reach the client as an error: its own end comes first.
    if (this.#inputEnded) this.close();
  }

  #watch(): void {
    if (!this.#closed) this.#reactor.change(this.#fd, this.#events());
  }

  #events(): number {
    return (this.#reading ? readable : 0) | (this.#writing ? writable : 0);
  }
}
