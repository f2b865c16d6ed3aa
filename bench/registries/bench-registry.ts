import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repository } from '../../test/harness/target.ts';
import type { EngineName } from '../engines/engine.ts';

export type RegistryKind = Extract<EngineName, 'wharfd' | 'dockerd'>;

/** A registry of its own kind in a process of its own, with an empty directory. */
export class BenchRegistry {
  /** The column of the table: ours stands under wharfd, Debian's docker-registry under dockerd. */
  readonly name: RegistryKind;
  readonly port: number;
  readonly directory: string;
  readonly #process: ChildProcess;

  private constructor(name: RegistryKind, port: number, directory: string, process: ChildProcess) {
    this.name = name;
    this.port = port;
    this.directory = directory;
    this.#process = process;
  }

  static async start(name: RegistryKind): Promise<BenchRegistry> {
    const directory = mkdtempSync(join(tmpdir(), 'wharf-bench-registry-'));
    mkdirSync(join(directory, 'root'));
    const port = await freePort();
    const [program, ...args] = commands[name](directory, port);
    const child = spawn(program!, args, { stdio: 'ignore' });
    const registry = new BenchRegistry(name, port, directory, child);
    for (const deadline = Date.now() + 10_000; ; ) {
      const up = await fetch(`${registry.base}/v2/`).catch(() => undefined);
      if (up?.ok) return registry;
      if (Date.now() > deadline) throw new Error(`${name}: the registry did not start`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  get base(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Resident memory, MB. */
  residentMegabytes(): number {
    return this.#status('VmRSS');
  }

  /** The most resident memory since `forgetPeak`, MB. */
  peakMegabytes(): number {
    return this.#status('VmHWM');
  }

  /** proc(5), clear_refs */
  forgetPeak(): void {
    writeFileSync(`/proc/${this.#process.pid}/clear_refs`, '5');
  }

  #status(key: string): number {
    const status = readFileSync(`/proc/${this.#process.pid}/status`, 'utf8');
    return Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(status)?.[1]) / 1024;
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.kill();
    await ended;
    rmSync(this.directory, { recursive: true, force: true });
  }
}

const commands: Readonly<Record<RegistryKind, (directory: string, port: number) => string[]>> = {
  wharfd: (directory, port) => [
    join(repository, 'node_modules/bun/bin/bun.exe'),
    join(repository, 'dist/current/wharf-registry.js'),
    ...['serve', '--root', join(directory, 'root'), '--listen', `127.0.0.1:${port}`],
  ],
  dockerd: (directory, port) => {
    const configuration = join(directory, 'config.json');
    writeFileSync(
      configuration,
      JSON.stringify({
        version: '0.1',
        log: { level: 'error', accesslog: { disabled: true } },
        // As it is shipped: descriptors are kept in memory.
        storage: { filesystem: { rootdirectory: join(directory, 'root') }, cache: { blobdescriptor: 'inmemory' } },
        http: { addr: `127.0.0.1:${port}` },
      }),
    );
    return ['docker-registry', 'serve', configuration];
  },
};

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
