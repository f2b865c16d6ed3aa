import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { busyboxImage } from '../fixtures/image.ts';
import type { Fixture } from './fixture.ts';
import type { RunResult } from './run.ts';

export interface SandboxRegistryOptions {
  readonly port?: number;
  /** One that the sandbox's loopback has or gets; registries on 127.0.0.1 are taken for insecure ones. */
  readonly address?: string;
  /** Laid over the registry's configuration: auth, TLS. */
  readonly configuration?: (directory: string) => Record<string, unknown>;
}

/** Debian's docker-registry beside a fixture's daemon, with the image `busybox`. */
export class SandboxRegistry {
  readonly #engine: Fixture;
  readonly #options: SandboxRegistryOptions;
  readonly port: number;
  #process: ChildProcess | undefined;

  constructor(engine: Fixture, options: SandboxRegistryOptions) {
    this.#engine = engine;
    this.#options = options;
    this.port = options.port ?? 5000;
  }

  get host(): string {
    return `${this.#options.address ?? '127.0.0.1'}:${this.port}`;
  }

  get directory(): string {
    return join(this.#engine.daemon.sandbox.directory, `registry-${this.port}`);
  }

  async open(): Promise<void> {
    mkdirSync(this.directory, { recursive: true });
    const configuration = {
      version: '0.1',
      log: { level: 'error', accesslog: { disabled: true } },
      storage: { filesystem: { rootdirectory: join(this.directory, 'data') }, delete: { enabled: true } },
      http: { addr: this.host },
      ...this.#options.configuration?.(this.directory),
    };
    const file = join(this.directory, 'config.json');
    writeFileSync(file, JSON.stringify(configuration));
    const { sandbox } = this.#engine.daemon;
    const [command = '', ...args] = sandbox.enter(['docker-registry', 'serve', file]);
    this.#process = spawn(command, args, { stdio: 'ignore' });
    const attempt = `(exec 3<>/dev/tcp/${this.host.replace(':', '/')}) 2>/dev/null`;
    const up = await sandbox.run(['bash', '-c', `for i in {1..500}; do ${attempt} && exit; sleep 0.02; done; exit 1`]);
    if (up.code !== 0) throw new Error('docker-registry did not start');
  }

  /** Puts a docker-archive into the registry, with a client that is not ours. */
  async copy(archive: Buffer, name: string, ...options: string[]): Promise<RunResult> {
    const file = join(this.directory, 'archive.tar');
    writeFileSync(file, archive);
    const result = await this.#engine.daemon.sandbox.run([
      ...['skopeo', '--insecure-policy', 'copy', '--quiet', '--dest-tls-verify=false', ...options],
      ...[`docker-archive:${file}`, `docker://${this.host}/${name}`],
    ]);
    if (result.code !== 0) throw new Error(`skopeo: ${result.stderr}`);
    return result;
  }

  async close(): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    // What runs in the sandbox is the child of the program that went in.
    process.kill(Number(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim()));
    await ended;
  }
}

/** Registers the hooks; comes after `useDaemon`. */
export function useSandboxRegistry(engine: Fixture, options: SandboxRegistryOptions = {}): SandboxRegistry {
  const registry = new SandboxRegistry(engine, options);
  before(async () => {
    await registry.open();
    if (!options.configuration) await registry.copy(busyboxImage('busybox:latest'), 'busybox:latest');
  });
  after(() => registry.close());
  return registry;
}
