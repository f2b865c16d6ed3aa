import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Answer, type OpenAnswer, openRequest, type RequestOptions, request } from './http.ts';
import { type RunOptions, type RunResult, run } from './run.ts';
import type { Sandbox } from './sandbox.ts';
import { repository, target } from './target.ts';
import { openTerminal, type Terminal } from './terminal.ts';

export interface DaemonOptions {
  /** Two daemons of one sandbox need two names: each gets roots and a socket of its own. */
  readonly name?: string;
  readonly flags?: readonly string[];
  readonly env?: Record<string, string>;
  /** Where to listen instead of `socket`. */
  readonly host?: string;
  /** A command that starts the daemon's, which follows it. */
  readonly startedBy?: (socket: string) => string[];
}

/** A daemon under test. It is not running before `start`. */
export class Daemon {
  readonly sandbox: Sandbox;
  readonly socket: string;
  readonly directory: string;
  readonly #options: DaemonOptions;
  #entered: ChildProcess | undefined;
  #exit: Promise<number> | undefined;
  #pid = 0;

  constructor(sandbox: Sandbox, options: DaemonOptions = {}) {
    this.sandbox = sandbox;
    this.#options = options;
    this.directory = join(sandbox.directory, options.name ?? 'daemon');
    this.socket = join(this.directory, 'api.sock');
  }

  /** As the host numbers it. */
  get pid(): number {
    return this.#pid;
  }

  get log(): string {
    return readFileSync(join(this.directory, 'log'), 'utf8');
  }

  get dataRoot(): string {
    return join(this.directory, 'data');
  }

  get execRoot(): string {
    return join(this.directory, 'run');
  }

  /** Resolves when the API answers; `env` holds for this run alone. */
  async start(env: Record<string, string> = {}): Promise<void> {
    mkdirSync(this.directory, { recursive: true });
    const log = openSync(join(this.directory, 'log'), 'a');
    const [command, ...args] = this.commandLine;
    const entered = spawn(command!, args, {
      stdio: ['ignore', log, log],
      env: { ...process.env, ...this.#options.env, ...env },
    });
    closeSync(log);
    this.#entered = entered;
    this.#exit = new Promise((resolve) => {
      entered.once('exit', (code, signal) => resolve(code ?? (signal === 'SIGKILL' ? 137 : 143)));
    });
    const gone = this.#exit.then((code) => {
      throw new Error(`the daemon ended with code ${code} before it answered; its log:\n${this.log.slice(-4000)}`);
    });
    await Promise.race([this.#answers(), gone]);
    gone.catch(() => {});
    this.#pid = childOf(entered.pid!);
  }

  /** What starts it, in the sandbox. */
  get commandLine(): string[] {
    const starter = this.#options.startedBy?.(this.socket) ?? [];
    return this.sandbox.enter([...starter, ...daemonCommand(), ...this.#flags()]);
  }

  async #answers(): Promise<void> {
    for (const deadline = Date.now() + 30_000; ; ) {
      try {
        await this.api('GET', '/_ping');
        return;
      } catch (error) {
        if (Date.now() > deadline) throw error;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
  }

  #flags(): string[] {
    const { host = `unix://${this.socket}` } = this.#options;
    return [
      ...['--data-root', this.dataRoot, '--exec-root', this.execRoot, '-H', host],
      ...['--pidfile', join(this.directory, 'pid'), '--cgroup-parent', this.sandbox.cgroupParent],
      ...(this.#options.flags ?? []),
    ];
  }

  /** Resolves with the exit code when the daemon ends by itself. */
  get exited(): Promise<number> {
    return this.#exit ?? Promise.resolve(0);
  }

  async kill(): Promise<void> {
    process.kill(this.#pid, 'SIGKILL');
    await this.exited;
  }

  /** Asks the daemon to end, as a service manager does. */
  async stop(): Promise<void> {
    if (!this.#entered || this.#entered.exitCode !== null || this.#entered.signalCode !== null) return;
    process.kill(this.#pid, 'SIGTERM');
    const timer = setTimeout(() => process.kill(this.#pid, 'SIGKILL'), 20_000);
    const code = await this.exited;
    clearTimeout(timer);
    if (code === 137) throw new Error(`the daemon did not end when asked to; its log:\n${this.log.slice(-2000)}`);
  }

  api(method: string, url: string, body?: unknown, options: RequestOptions = {}): Promise<Answer> {
    return request(this.socket, method, url, {
      ...options,
      ...(body !== undefined && { body }),
      headers: { Connection: 'close', ...options.headers },
    });
  }

  open(method: string, url: string, body?: unknown, options: RequestOptions = {}): Promise<OpenAnswer> {
    return openRequest(this.socket, method, url, { ...options, ...(body !== undefined && { body }) });
  }

  /** The stock docker client. */
  docker(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    return run(['docker', ...args], { ...options, env: { ...this.#clientEnv(), ...options.env } });
  }

  wharf(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    return run([...wharfCommand, ...args], { ...options, env: { ...this.#clientEnv(), ...options.env } });
  }

  /** As a shell would be told. */
  get wharfCommand(): string {
    return wharfCommand.join(' ');
  }

  /** A client on a terminal. */
  terminal(client: 'docker' | 'wharf', args: readonly string[], columns?: number, rows?: number): Terminal {
    const command = client === 'docker' ? ['docker'] : wharfCommand;
    return openTerminal([...command, ...args], this.#clientEnv(), columns, rows);
  }

  #clientEnv(): Record<string, string> {
    return {
      DOCKER_HOST: `unix://${this.socket}`,
      DOCKER_CONFIG: join(this.sandbox.directory, 'client'),
      DOCKER_CLI_HINTS: 'false',
    };
  }
}

const wharfCommand = [process.execPath, join(repository, 'apps/cli/src/main.ts')];

function daemonCommand(): string[] {
  return target === 'docker' ? ['dockerd'] : [process.execPath, join(repository, 'apps/daemon/src/main.ts')];
}

function childOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0]);
}
