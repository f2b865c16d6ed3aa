import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Sandbox } from './sandbox.ts';
import { repository } from './target.ts';

export interface PluginProcessOptions {
  readonly sandbox: Sandbox;
  /** A Python program of test/fixtures that takes a socket and a directory, and prints a line when it listens. */
  readonly script: string;
  readonly socket: string;
  readonly directory: string;
}

/** A plugin's process, in the daemon's namespaces. It writes the calls that it gets to a file, a line of JSON each. */
export class PluginProcess<Call> {
  readonly directory: string;
  readonly #options: PluginProcessOptions;
  #process: ChildProcess | undefined;

  constructor(options: PluginProcessOptions) {
    this.#options = options;
    this.directory = options.directory;
    mkdirSync(options.directory, { recursive: true });
  }

  async start(): Promise<void> {
    const { sandbox, script, socket, directory } = this.#options;
    const path = join(repository, 'test/fixtures', script);
    const [command = '', ...args] = sandbox.enter(['python3', path, socket, directory]);
    this.#process = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise((resolve, reject) => {
      this.#process!.once('exit', (code) => reject(new Error(`${script} ended with ${code}`)));
      this.#process!.stdout!.once('data', resolve);
    });
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#process!.once('exit', resolve));
    const pid = this.#process!.pid!;
    process.kill(Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()), 'SIGKILL');
    await ended;
  }

  /** What it was asked since the last time. */
  calls(): Call[] {
    const path = join(this.directory, 'calls');
    if (!existsSync(path)) return [];
    const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
    rmSync(path);
    return lines.map((line) => JSON.parse(line));
  }
}
