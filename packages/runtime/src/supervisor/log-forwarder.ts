import { closeDescriptor, createPipe, readDescriptor, setNonBlocking, wouldBlock } from '@wharf/sys/descriptor';
import { spawnProcess } from '@wharf/sys/process';
import { type Reactor, readable, writable } from '@wharf/sys/reactor';
import type { DeliveryRequest } from '../logs/forward/delivery.ts';
import type { ForwarderNews, ForwarderOrder } from '../logs/forward/forwarder.ts';
import type { Children } from './children.ts';
import { Outgoing } from './outgoing.ts';

interface Run {
  readonly id: string;
  readonly number: number;
  readonly request: DeliveryRequest;
  ended: boolean;
  readonly waiting: (() => void)[];
}

/** A run as the next program of the supervisor takes it over. */
export interface SavedRun {
  readonly id: string;
  readonly request: DeliveryRequest;
  readonly ended: boolean;
}

interface Program {
  readonly orders: Outgoing;
  readonly news: number;
}

interface ForwarderDeps {
  readonly reactor: Reactor;
  readonly children: Children;
  /** Executes the forwarder. */
  readonly command: readonly string[];
  readonly warn: (what: string, error: unknown) => void;
  /** Everything is delivered. */
  readonly idle: () => void;
}

/** Milliseconds before a forwarder that was killed is started again. */
const restartDelay = 500;
/** Milliseconds for which one that has nothing to deliver is kept. */
const idleLimit = 10_000;
const environment = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' };

/** Starts the forwarder when a container's log goes to a receiver, and tells it of those logs. */
export class LogForwarder {
  readonly #deps: ForwarderDeps;
  readonly #runs = new Map<number, Run>();
  #program: Program | undefined;
  #number = 0;
  #unread = '';

  constructor(deps: ForwarderDeps) {
    this.#deps = deps;
  }

  /** True while something is not delivered yet. */
  get busy(): boolean {
    return this.#runs.size > 0;
  }

  begin(id: string, request: DeliveryRequest): void {
    this.#number += 1;
    const run: Run = { id, number: this.#number, request, ended: false, waiting: [] };
    this.#runs.set(run.number, run);
    if (this.#program) this.#order({ op: 'deliver', run: run.number, request });
    else this.#start();
  }

  /** The container writes no more. */
  end(id: string): void {
    for (const run of this.#ofContainer(id)) {
      if (run.ended) continue;
      run.ended = true;
      this.#order({ op: 'end', run: run.number });
    }
  }

  /** Resolves when all that a container wrote is delivered, or so many milliseconds have passed; then it is given up. */
  async delivered(id: string, patience: number): Promise<void> {
    this.end(id);
    const runs = this.#ofContainer(id);
    if (runs.length === 0) return;
    const timer = this.#deps.reactor.after(patience, () => {
      for (const run of runs) this.#order({ op: 'abandon', run: run.number });
      if (!this.#program) for (const run of runs) this.#done(run.number);
    });
    await Promise.all(runs.map((run) => new Promise<void>((resolve) => run.waiting.push(resolve))));
    this.#deps.reactor.cancel(timer);
  }

  save(): SavedRun[] {
    return [...this.#runs.values()].map(({ id, request, ended }) => ({ id, request, ended }));
  }

  restore(runs: readonly SavedRun[]): void {
    for (const { id, request, ended } of runs) {
      this.begin(id, request);
      if (ended) this.end(id);
    }
  }

  #ofContainer(id: string): Run[] {
    return [...this.#runs.values()].filter((run) => run.id === id);
  }

  #start(): void {
    const { reactor, children, command, warn } = this.#deps;
    const orders = createPipe();
    const news = createPipe();
    try {
      // A child that no call waits for: it is expected at once, before it can have been reaped.
      const pid = spawnProcess({ command, stdio: [orders.read, news.write, 2], environment });
      children.expect(pid, () => this.#ended());
    } catch (error) {
      warn('starting the log forwarder', error);
      for (const fd of [orders.write, news.read]) closeDescriptor(fd);
      reactor.after(restartDelay, () => this.#restart());
      return;
    } finally {
      for (const fd of [orders.read, news.write]) closeDescriptor(fd);
    }
    for (const fd of [orders.write, news.read]) setNonBlocking(fd);
    const outgoing = new Outgoing(
      orders.write,
      'file',
      (on) => {
        if (on) reactor.watch(orders.write, writable, () => outgoing.flush());
        else reactor.unwatch(orders.write);
      },
      () => {},
    );
    this.#program = { orders: outgoing, news: news.read };
    this.#unread = '';
    reactor.watch(news.read, readable, () => this.#read(news.read));
    for (const { number, request, ended } of this.#runs.values()) {
      this.#order({ op: 'deliver', run: number, request });
      if (ended) this.#order({ op: 'end', run: number });
    }
  }

  #restart(): void {
    if (!this.#program && this.#runs.size > 0) this.#start();
  }

  #ended(): void {
    this.#close();
    if (this.#runs.size > 0) this.#deps.reactor.after(restartDelay, () => this.#restart());
  }

  #close(): void {
    const { reactor } = this.#deps;
    if (!this.#program) return;
    const { orders, news } = this.#program;
    this.#program = undefined;
    for (const fd of [orders.fd, news]) {
      reactor.unwatch(fd);
      closeDescriptor(fd);
    }
  }

  #order(order: ForwarderOrder): void {
    this.#program?.orders.write(Buffer.from(`${JSON.stringify(order)}\n`));
  }

  #read(fd: number): void {
    const buffer = Buffer.alloc(4096);
    const length = readDescriptor(fd, buffer);
    if (length === wouldBlock) return;
    if (length <= 0) {
      this.#deps.reactor.unwatch(fd);
      return;
    }
    const lines = (this.#unread + buffer.toString('latin1', 0, length)).split('\n');
    this.#unread = lines.pop()!;
    for (const line of lines) this.#done((JSON.parse(line) as ForwarderNews).done);
  }

  #done(number: number): void {
    const run = this.#runs.get(number);
    this.#runs.delete(number);
    for (const resolve of run?.waiting ?? []) resolve();
    if (this.#runs.size > 0) return;
    this.#deps.reactor.after(idleLimit, () => this.#endIdle());
    this.#deps.idle();
  }

  /** It ends with its stdin. */
  #endIdle(): void {
    if (this.#runs.size === 0) this.#close();
  }
}
