import { EngineError } from '@wharf/base/error';
import { SystemError } from '@wharf/sys/errno';
import { reapChild, spawnProcess } from '@wharf/sys/process';
import { type Reactor, readable } from '@wharf/sys/reactor';
import { clearSignalDescriptor, openSignalDescriptor } from '@wharf/sys/signal';

const SIGCHLD = 17;
const searchPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * Every child of this process: programs that it runs, containers that their runtime left to it, and orphans that a
 * subreaper inherits. Orphans are reaped at once: a container cannot end before the last zombie in it is gone.
 */
export class Children {
  readonly #ended = new Map<number, (exitCode: number) => void>();
  /** Exits of processes that a call under way may be about to ask for. */
  readonly #strays = new Map<number, number>();
  #active = 0;
  #waiting: (() => void)[] = [];

  constructor(reactor: Reactor) {
    const signals = openSignalDescriptor(SIGCHLD);
    reactor.watch(signals, readable, () => {
      clearSignalDescriptor(signals);
      this.reap();
    });
  }

  /** Also to be called once at the start: for children that the program before this one had. */
  reap(): void {
    for (let child = reapChild(); child; child = reapChild()) {
      const ended = this.#ended.get(child.pid);
      this.#ended.delete(child.pid);
      if (ended) ended(child.exitCode);
      else if (this.#active > 0) this.#strays.set(child.pid, child.exitCode);
    }
  }

  /** Calls `ended` once, when this child has been reaped, which may have happened in the present `during`. */
  expect(pid: number, ended: (exitCode: number) => void): void {
    const stray = this.#strays.get(pid);
    this.#strays.delete(pid);
    if (stray === undefined) this.#ended.set(pid, ended);
    else ended(stray);
  }

  /** Marks a stretch in which children come into being that `expect` will be told of. */
  async during<T>(body: () => Promise<T>): Promise<T> {
    this.#active += 1;
    try {
      return await body();
    } finally {
      this.#active -= 1;
      if (this.#active === 0) this.#idle();
    }
  }

  /** Resolves when nothing is under way that must not be cut in two. */
  whenIdle(): Promise<void> {
    if (this.#active === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Runs a program to its end. Rejects if it cannot be executed. */
  async run(command: readonly string[], stdio: readonly number[]): Promise<number> {
    const pid = spawn(command, stdio);
    return new Promise((resolve) => this.expect(pid, resolve));
  }

  #idle(): void {
    this.#strays.clear();
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

function spawn(command: readonly string[], stdio: readonly number[]): number {
  try {
    return spawnProcess({ command, stdio, environment: { PATH: searchPath } });
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    throw new EngineError('internal', `cannot execute the runtime: ${error.message}`, { cause: error });
  }
}
