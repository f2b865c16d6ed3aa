import { readable } from '@wharf/sys/reactor';
import { acceptUnix } from '@wharf/sys/unix-socket';
import { now } from '../logs/json-file-writer.ts';
import { Connection, type ConnectionState } from './connection.ts';
import { carryOut } from './operations.ts';
import { type Answer, type AttachCall, type Call, toWireError } from './protocol.ts';
import { stdioFor } from './resize.ts';
import type { LogJoint, ProcessExit } from './supervisor.ts';
import type { SupervisorDeps } from './supervisor-deps.ts';

/** What concerns the program as a whole, and is `main`'s. */
export interface ServerHooks {
  /** Does not return: the answer is the next program's to give. Rejects if that program cannot run. */
  upgrade(command: readonly string[], answer: UpgradeAnswer): Promise<never>;
  /** Nobody is connected and no process is left, and the supervisor was told to end then. */
  end(): void;
}

/** To whom the new program says that it is there. */
export interface UpgradeAnswer {
  readonly fd: number;
  readonly number: number;
}

/** Milliseconds for which receivers of logs may keep a supervisor that has nothing else to do. */
const deliveryLimit = 5000;

/** Bytes, roughly, that a call leaves behind. */
const costOfCall = 64 * 1024;

/** Accepts clients and carries out what they ask. */
export class SupervisorServer {
  readonly #deps: SupervisorDeps;
  readonly #hooks: ServerHooks;
  readonly #connections = new Set<Connection>();
  readonly #held: { connection: Connection; call: Call | AttachCall }[] = [];
  /** Calls that are being carried out. */
  readonly #open = new Set<{ connection: Connection; call: Call }>();
  #upgrading = false;
  #stopping = false;
  #delivering = false;

  constructor(deps: SupervisorDeps, hooks: ServerHooks) {
    this.#deps = deps;
    this.#hooks = hooks;
  }

  listen(listener: number): void {
    this.#deps.reactor.watch(listener, readable, () => {
      for (let fd = acceptUnix(listener); fd !== undefined; fd = acceptUnix(listener)) this.#accept(fd);
    });
  }

  publish(exit: ProcessExit): void {
    for (const connection of [...this.#connections]) if (connection.subscribed) connection.send({ exit });
    this.endIfDone();
  }

  /** Connections, and calls that arrived while the program was about to be replaced. */
  save(): { connections: ConnectionState[]; held: { fd: number; call: Call | AttachCall }[]; stopping: boolean } {
    return {
      connections: [...this.#connections].map((connection) => connection.save()),
      // What still waits when nothing is under way any more (for output to drain) can be asked again.
      held: [...[...this.#open].filter(({ call }) => call.op !== 'upgrade'), ...this.#held].map(
        ({ connection, call }) => ({ fd: connection.fd, call }),
      ),
      stopping: this.#stopping,
    };
  }

  restore({ connections, held, stopping }: ReturnType<SupervisorServer['save']>, answer: UpgradeAnswer): void {
    this.#stopping = stopping;
    for (const state of connections) this.#accept(state.fd).restore(state);
    const byFd = new Map([...this.#connections].map((connection) => [connection.fd, connection]));
    byFd.get(answer.fd)?.send({ number: answer.number, answer: null });
    for (const { fd, call } of held) {
      const connection = byFd.get(fd);
      if (connection) this.#receive(connection, call);
    }
  }

  #accept(fd: number): Connection {
    const { reactor, stdio } = this.#deps;
    const connection = new Connection(
      reactor,
      fd,
      stdio.scratch,
      (from, call) => this.#receive(from, call),
      (ended) => {
        this.#connections.delete(ended);
        this.endIfDone();
      },
    );
    this.#connections.add(connection);
    return connection;
  }

  #receive(connection: Connection, call: Call | AttachCall): void {
    if (this.#upgrading) this.#held.push({ connection, call });
    else if (call.op === 'attach') this.#attach(connection, call);
    else void this.#answer(connection, call);
  }

  #attach(connection: Connection, { number, request }: AttachCall): void {
    const { id, execId, streams } = request;
    const stdio = stdioFor(this.#deps, id, execId);
    // In one turn: nothing is logged between this moment and the first byte that the client gets.
    const joint: LogJoint = { at: now(), unfinished: stdio.unfinished };
    connection.send({ number, answer: joint });
    connection.release();
    stdio.attach(connection.fd, streams);
  }

  async #answer(connection: Connection, call: Call): Promise<void> {
    const { number } = call;
    const open = { connection, call };
    this.#open.add(open);
    let result: Answer;
    try {
      result = { number, answer: (await this.#carryOut(connection, call)) ?? null };
    } catch (error) {
      result = { number, error: toWireError(error) };
    }
    this.#open.delete(open);
    connection.send(result);
    this.#deps.tidier.used(costOfCall);
  }

  async #carryOut(connection: Connection, call: Call): Promise<unknown> {
    switch (call.op) {
      case 'subscribe':
        this.#stopping = false;
        return this.#subscribe(connection);
      case 'stop':
        this.#stopping = true;
        return { stopping: !this.#deps.processes.busy };
      case 'upgrade':
        return this.#upgrade(connection, call.request.command, call.number);
      default:
        return carryOut(this.#deps, call);
    }
  }

  #subscribe(connection: Connection): void {
    connection.subscribed = true;
    const exits = this.#deps.processes.all().flatMap(({ exit }) => (exit ? [exit] : []));
    for (const exit of exits.sort((a, b) => (a.exitedAt < b.exitedAt ? -1 : 1))) connection.send({ exit });
  }

  async #upgrade(connection: Connection, command: readonly string[], number: number): Promise<never> {
    this.#upgrading = true;
    try {
      await this.#deps.children.whenIdle();
      return await this.#hooks.upgrade(command, { fd: connection.fd, number });
    } finally {
      this.#upgrading = false;
      for (const { connection: from, call } of this.#held.splice(0)) this.#receive(from, call);
    }
  }

  get #done(): boolean {
    return this.#stopping && this.#connections.size === 0 && !this.#deps.processes.busy;
  }

  /** Also to be called when the last log has been delivered. */
  endIfDone(): void {
    if (!this.#done) return;
    const { forwarder, reactor } = this.#deps;
    if (!forwarder.busy) this.#hooks.end();
    else if (!this.#delivering) {
      this.#delivering = true;
      reactor.after(deliveryLimit, () => {
        this.#delivering = false;
        if (this.#done) this.#hooks.end();
      });
    }
  }
}
