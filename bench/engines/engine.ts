import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { busyboxImage } from '../../test/fixtures/image.ts';
import { openSandbox, type Sandbox } from '../../test/harness/sandbox.ts';
import { accountDirectory, type CpuAccount, openCpuAccount, readMilliseconds, removeTree } from '../cpu-account.ts';
import { HttpClient } from '../http-client.ts';

export type EngineName = 'wharfd' | 'dockerd' | 'podman';

export interface EngineKind {
  readonly name: EngineName;
  /** Started inside the sandbox. */
  command(paths: EnginePaths): string[];
  env?(paths: EnginePaths): Record<string, string>;
  prepare?(paths: EnginePaths): void;
  /** Programs of the engine, by the name in /proc/<pid>/comm, next to those in its cgroup. */
  readonly helpers: readonly string[];
  /** Puts each container under this parent by HostConfig, where the daemon has no flag for it. */
  readonly parentByContainer: boolean;
}

export interface EnginePaths {
  readonly directory: string;
  readonly socket: string;
  readonly cgroupParent: string;
}

/** An engine in namespaces of its own, its CPU time counted apart from its containers'. */
export class Engine {
  readonly kind: EngineKind;
  readonly sandbox: Sandbox;
  readonly paths: EnginePaths;
  readonly #account: CpuAccount;
  #process: ChildProcess | undefined;
  readonly client: HttpClient;

  private constructor(kind: EngineKind, sandbox: Sandbox) {
    this.kind = kind;
    this.sandbox = sandbox;
    const directory = join(sandbox.directory, kind.name);
    mkdirSync(directory, { recursive: true });
    this.paths = { directory, socket: join(directory, 'api.sock'), cgroupParent: sandbox.cgroupParent };
    this.#account = openCpuAccount(`${sandbox.cgroupParent}-engine`);
    this.client = new HttpClient(this.paths.socket);
  }

  static async open(kind: EngineKind): Promise<Engine> {
    const engine = new Engine(kind, await openSandbox(['/var/lib/containers', '/var/lib/cni']));
    kind.prepare?.(engine.paths);
    await engine.start();
    await engine.client.call('POST', '/images/load?quiet=1', busyboxImage());
    return engine;
  }

  get name(): EngineName {
    return this.kind.name;
  }

  /** Resolves with the milliseconds until the API answered. */
  async start(): Promise<number> {
    const began = performance.now();
    const log = openSync(join(this.paths.directory, 'log'), 'a');
    const inside = this.sandbox.enter(this.kind.command(this.paths));
    this.#process = spawn('sh', ['-c', 'echo $$ >"$0" && exec "$@"', this.#account.procs, ...inside], {
      stdio: ['ignore', log, log],
      env: { ...process.env, ...this.kind.env?.(this.paths) },
    });
    closeSync(log);
    for (const deadline = began + 30_000; ; ) {
      const probe = new HttpClient(this.paths.socket);
      try {
        const { status } = await probe.request('GET', '/_ping');
        if (status === 200) return performance.now() - began;
      } catch {
        // Not listening yet.
      } finally {
        probe.close();
      }
      if (performance.now() > deadline) throw new Error(`${this.name} did not start: ${this.log()}`);
      await pause(2);
    }
  }

  log(): string {
    return readFileSync(join(this.paths.directory, 'log'), 'utf8').slice(-3000);
  }

  /** Another connection to the same daemon. */
  connect(): HttpClient {
    return new HttpClient(this.paths.socket);
  }

  /** CPU that the engine has used so far, its containers' not counted. */
  cpuMilliseconds(): number {
    // podman moves its monitors into a cgroup beside the containers.
    const monitors = readMilliseconds(accountDirectory(`${this.paths.cgroupParent}/conmon`));
    return this.#account.milliseconds() + monitors;
  }

  /** Proportional set size of all the engine's processes, MB. */
  pssMegabytes(): number {
    let kilobytes = 0;
    for (const pid of this.#pids()) {
      try {
        const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
        kilobytes += Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1] ?? 0);
      } catch {
        // Gone meanwhile.
      }
    }
    return kilobytes / 1024;
  }

  #pids(): number[] {
    const inCgroup = new Set(
      readFileSync(this.#account.procs, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map(Number),
    );
    const namespace = readNamespace(this.sandbox.pid);
    for (const entry of readdirSync('/proc')) {
      if (!/^\d+$/.test(entry) || readNamespace(Number(entry)) !== namespace) continue;
      if (this.kind.helpers.includes(readName(entry))) inCgroup.add(Number(entry));
    }
    return [...inCgroup].filter((pid) => readName(String(pid)) !== 'nsenter');
  }

  async kill(): Promise<void> {
    const ended = new Promise((resolve) => this.#process!.once('exit', resolve));
    const inner = Number(
      readFileSync(`/proc/${this.#process!.pid}/task/${this.#process!.pid}/children`, 'utf8').split(' ')[0],
    );
    process.kill(inner, 'SIGKILL');
    await ended;
    this.client.close();
  }

  async close(): Promise<void> {
    this.client.close();
    await this.sandbox.close();
    await pause(100);
    this.#account.close();
    removeTree(accountDirectory(this.paths.cgroupParent));
  }
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function readName(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return '';
  }
}

function readNamespace(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return '';
  }
}
