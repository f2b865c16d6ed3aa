import { closeDescriptor, readDescriptor, wouldBlock } from '@wharf/sys/descriptor';
import { hangup, type Reactor, readable, writable } from '@wharf/sys/reactor';
import { Outgoing } from './outgoing.ts';
import { type Answer, type AttachCall, type Call, type ExitEvent, encodeLine, longestMessage } from './protocol.ts';

export interface ConnectionState {
  readonly fd: number;
  readonly subscribed: boolean;
  /** Bytes of a message that has not arrived whole. */
  readonly begun: string;
  readonly rest: string;
}

/** A client's connection on the supervisor's side, until it turns into the stdio of a process. */
export class Connection {
  readonly fd: number;
  /** Exits are told to this client. */
  subscribed = false;
  readonly #reactor: Reactor;
  readonly #scratch: Buffer;
  readonly #received: (connection: Connection, call: Call | AttachCall) => void;
  readonly #ended: (connection: Connection) => void;
  readonly #outgoing: Outgoing;
  #begun: Buffer[] = [];
  #begunLength = 0;
  #writing = false;
  #closed = false;

  constructor(
    reactor: Reactor,
    fd: number,
    scratch: Buffer,
    received: (connection: Connection, call: Call | AttachCall) => void,
    ended: (connection: Connection) => void,
  ) {
    this.fd = fd;
    this.#reactor = reactor;
    this.#scratch = scratch;
    this.#received = received;
    this.#ended = ended;
    const watch = (on: boolean) => {
      this.#writing = on;
      if (!this.#closed) reactor.change(fd, readable | (on ? writable : 0));
    };
    this.#outgoing = new Outgoing(fd, 'socket', watch, () => {});
    reactor.watch(fd, readable, (events) => this.#ready(events));
  }

  send(message: Answer | ExitEvent): void {
    if (this.#closed) return;
    this.#outgoing.write(encodeLine(message));
    // A client that never reads its answers is not waited for.
    if (this.#outgoing.broken || this.#outgoing.pending > longestMessage) this.close();
  }

  close(): void {
    if (this.#closed) return;
    this.release();
    closeDescriptor(this.fd);
  }

  /** Gives up the descriptor, open, to another owner. */
  release(): void {
    this.#closed = true;
    this.#reactor.unwatch(this.fd);
    this.#ended(this);
  }

  save(): ConnectionState {
    const begun = Buffer.concat(this.#begun).toString('base64');
    return { fd: this.fd, subscribed: this.subscribed, begun, rest: this.#outgoing.rest.toString('base64') };
  }

  restore({ subscribed, begun, rest }: ConnectionState): void {
    this.subscribed = subscribed;
    this.#keep(Buffer.from(begun, 'base64'));
    this.#outgoing.write(Buffer.from(rest, 'base64'));
  }

  #ready(events: number): void {
    if (events & writable && this.#writing) this.#outgoing.flush();
    if (!(events & (readable | hangup))) return;
    const length = readDescriptor(this.fd, this.#scratch);
    if (length === wouldBlock) return;
    if (length <= 0) this.close();
    else this.#take(this.#scratch.subarray(0, length));
  }

  #take(chunk: Buffer): void {
    let at = 0;
    for (let end = chunk.indexOf(10); end >= 0 && !this.#closed; end = chunk.indexOf(10, at)) {
      const line = Buffer.concat([...this.#begun, chunk.subarray(at, end)]).toString();
      this.#begun = [];
      this.#begunLength = 0;
      at = end + 1;
      const call = parseCall(line);
      if (call) this.#received(this, call);
      else this.close();
    }
    if (at < chunk.length) this.#keep(Buffer.from(chunk.subarray(at)));
    if (this.#begunLength > longestMessage) this.close();
  }

  #keep(bytes: Buffer): void {
    this.#begun.push(bytes);
    this.#begunLength += bytes.length;
  }
}

/** Undefined for what no client of ours sends. */
function parseCall(line: string): Call | AttachCall | undefined {
  try {
    const call = JSON.parse(line) as Partial<Call> | null;
    return typeof call?.number === 'number' && typeof call.op === 'string' ? (call as Call) : undefined;
  } catch {
    return undefined;
  }
}
