import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, rmdirSync, write } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { readCgroupLayout } from '@wharf/sys/cgroup';
import { hasErrno } from '@wharf/sys/errno';

/** Milliseconds between two moves: the kernel's warmth lasts a little longer. */
const interval = 3;
/** A first write that takes no longer than this did not wait for a grace period. */
const quick = 1;
/** So many in a row mean that it never waits; one may only mean that somebody else had just kept it warm. */
const enough = 8;
/** Where the kernel turns out not to wait, look again after this long. */
const lookAgain = 60_000;

const writeFile = promisify(write);

interface Dummy {
  readonly process: ChildProcess;
  readonly descriptors: readonly number[];
  readonly directories: readonly string[];
}

/**
 * Keeps the kernel quick at moving processes between cgroups while a start is likely: the first write to
 * `cgroup.procs` after 50 ms of quiet waits 5 to 14 ms for a grace period of RCU, those after it 0.06 ms. A dummy
 * process is moved to and fro between two cgroups of ours. Where the first write is quick anyway (a v2 hierarchy
 * mounted with favordynmods, a kernel on one processor) it does nothing more.
 */
export class CgroupWarmer {
  readonly #name: string;
  #dummy: Dummy | undefined;
  #until = 0;
  #holds = 0;
  #idleUntil = 0;
  #quickFirsts = 0;
  #running: Promise<void> | undefined;
  #closed = false;

  /** `name` is the prefix of its cgroups: of this daemon alone, and the same after a restart, which takes over a killed one's. */
  constructor(name: string) {
    this.#name = name;
  }

  /** A start is likely within so many milliseconds. Costs nothing to call again. */
  warm(milliseconds: number): void {
    const now = performance.now();
    this.#until = Math.max(this.#until, now + milliseconds);
    if (this.#closed || this.#running || now < this.#idleUntil) return;
    this.#running = this.#bounce()
      .catch(() => {
        // No such hierarchy, or no right to it: starts are slower, that is all.
        this.#idleUntil = Number.POSITIVE_INFINITY;
      })
      .finally(() => {
        this.#running = undefined;
      });
  }

  /** A start is under way, until disposed: after the last one nothing is kept warm. */
  hold(): Disposable {
    this.#holds += 1;
    this.warm(0);
    return {
      [Symbol.dispose]: () => {
        this.#holds -= 1;
        if (this.#holds === 0) this.#until = 0;
      },
    };
  }

  /** Ends the dummy and removes its cgroups. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
    const dummy = this.#dummy;
    this.#dummy = undefined;
    if (dummy) await release(dummy);
  }

  async #bounce(): Promise<void> {
    this.#dummy ??= prepare(this.#name);
    const { process, descriptors } = this.#dummy;
    for (let move = 0; this.#isWanted(); move++) {
      const begin = performance.now();
      // Not synchronous: when it is cold this is the very wait that nobody else shall have.
      await writeFile(descriptors[move % 2]!, String(process.pid));
      if (move === 0 && this.#isNeedless(performance.now() - begin)) {
        this.#idleUntil = begin + lookAgain;
        return;
      }
      await delay(interval);
    }
  }

  #isNeedless(firstWrite: number): boolean {
    this.#quickFirsts = firstWrite < quick ? this.#quickFirsts + 1 : 0;
    if (this.#quickFirsts < enough) return false;
    this.#quickFirsts = 0;
    return true;
  }

  #isWanted(): boolean {
    return !this.#closed && (this.#holds > 0 || performance.now() < this.#until);
  }
}

function prepare(name: string): Dummy {
  const { v1, v2 } = readCgroupLayout();
  const root = v1.get('pids') ?? v1.values().next().value ?? v2;
  if (root === undefined) throw new Error('there is no cgroup hierarchy');
  const directories = [`${root}/${name}-1`, `${root}/${name}-2`];
  for (const directory of directories) mkdirSync(directory, { recursive: true });
  const descriptors = directories.map((directory) => openSync(`${directory}/cgroup.procs`, 'w'));
  // It ends with this process, whatever kills that: its stdin ends then.
  const process = spawn('cat', { stdio: ['pipe', 'ignore', 'ignore'] });
  process.on('error', () => {});
  process.unref();
  return { process, descriptors, directories };
}

async function release({ process, descriptors, directories }: Dummy): Promise<void> {
  for (const fd of descriptors) closeSync(fd);
  if (process.exitCode === null && process.kill('SIGKILL')) await once(process, 'exit');
  for (const directory of directories) {
    for (let attempt = 0; attempt < 100; attempt++) {
      try {
        rmdirSync(directory);
        break;
      } catch (error) {
        if (hasErrno(error, 'ENOENT')) break;
        // The kernel counts an exited process for a moment longer.
        await delay(2);
      }
    }
  }
}
