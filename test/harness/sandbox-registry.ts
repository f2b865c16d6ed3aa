import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { busyboxImage } from '../fixtures/image.ts';
import type { Fixture } from './fixture.ts';
import type { RunResult } from './run.ts';
import { type SandboxServer, startServer } from './sandbox-server.ts';

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
  #server: SandboxServer | undefined;

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
    this.#server = await startServer(this.#engine.daemon.sandbox, ['docker-registry', 'serve', file], this.host);
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
    await this.#server?.close();
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
