import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { silentLogger } from '@wharf/base/logger';
import { openAccess } from '../../packages/registry/src/server/access/access-control.ts';
import { type Listener, listen } from '../../packages/registry/src/server/listen.ts';
import {
  openFileStorage,
  openRegistry,
  type RegistryStorage,
} from '../../packages/registry/src/server/open-registry.ts';
import {
  defaultPolicy,
  type RegistryDeps,
  type RegistryPolicy,
} from '../../packages/registry/src/server/registry-deps.ts';
import { RegistryServer } from '../../packages/registry/src/server/registry-server.ts';
import type { S3Settings } from '../../packages/registry/src/server/registry-service.ts';
import { openS3Storage } from '../../packages/registry/src/server/storage/s3-storage.ts';
import { S3Bucket } from '../fixtures/s3-bucket.ts';

/** `TARGET=docker`: the cases run against Debian's docker-registry. */
export const registryTarget = process.env.TARGET === 'docker' ? 'docker-registry' : 'wharf';

/** What `test/conformance/distribution-bucket.test.ts` asks for. */
export const storedInBucket = process.env.REGISTRY_STORAGE === 'bucket';

/** A registry without users, for all cases of a file. */
export class RegistryFixture {
  readonly #policy: Partial<RegistryPolicy>;
  #directory = '';
  #listener: Listener | undefined;
  #process: ChildProcess | undefined;
  #registry: RegistryDeps | undefined;
  #bucket: S3Bucket | undefined;
  #port = 0;

  constructor(policy: Partial<RegistryPolicy>) {
    this.#policy = policy;
  }

  get host(): string {
    return `127.0.0.1:${this.#port}`;
  }

  get root(): string {
    return join(this.#directory, 'registry');
  }

  /** What ours works on; the other one has no inside. */
  get registry(): RegistryDeps {
    if (!this.#registry) throw new Error('only our own registry can be looked into');
    return this.#registry;
  }

  async open(): Promise<void> {
    this.#directory = mkdtempSync(join(tmpdir(), 'wharf-registry-'));
    if (registryTarget === 'wharf') this.#openOwn();
    else await this.#openDocker();
  }

  #openOwn(): void {
    const registry = openRegistry(this.#openStorage(), { ...defaultPolicy, ...this.#policy });
    const server = new RegistryServer({ registry, access: openAccess, logger: silentLogger });
    this.#registry = registry;
    this.#listener = listen({ hostname: '127.0.0.1', port: 0, handle: server.handle, logger: silentLogger });
    this.#port = this.#listener.port;
  }

  #openStorage(): RegistryStorage {
    if (!storedInBucket) return openFileStorage(this.root);
    this.#bucket = new S3Bucket();
    return openS3Storage(bucketSettings(this.#bucket));
  }

  async #openDocker(): Promise<void> {
    this.#port = await freePort();
    const configuration = join(this.#directory, 'config.json');
    writeFileSync(
      configuration,
      JSON.stringify({
        version: '0.1',
        log: { level: 'error', accesslog: { disabled: true } },
        storage: { filesystem: { rootdirectory: this.root }, delete: { enabled: true } },
        http: { addr: this.host },
      }),
    );
    this.#process = spawn('docker-registry', ['serve', configuration], { stdio: 'ignore' });
    for (const deadline = Date.now() + 10_000; ; ) {
      const up = await fetch(`http://${this.host}/v2/`).catch(() => undefined);
      if (up?.ok) return;
      if (Date.now() > deadline) throw new Error('docker-registry did not start');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async close(): Promise<void> {
    await this.#listener?.close();
    await this.#bucket?.close();
    const child = this.#process;
    if (child) {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill();
      await ended;
    }
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /** A request to the registry; `path` may be a Location that it gave. */
  fetch(method: string, path: string, options: RegistryRequest = {}): Promise<Response> {
    const url = new URL(path, `http://${this.host}`);
    for (const [name, value] of Object.entries(options.query ?? {})) url.searchParams.append(name, value);
    const { headers = {}, body } = options;
    return fetch(url, { method, headers, ...(body !== undefined && { body }), redirect: 'manual' });
  }
}

export function bucketSettings({ name, endpoint, credentials }: S3Bucket): S3Settings {
  return { bucket: name, region: '', endpoint, prefix: 'registry', forcePathStyle: true, redirect: false, credentials };
}

export interface RegistryRequest {
  readonly headers?: Record<string, string>;
  readonly query?: Record<string, string>;
  readonly body?: Uint8Array<ArrayBuffer> | string;
}

export function useRegistry(policy: Partial<RegistryPolicy> = {}): RegistryFixture {
  const fixture = new RegistryFixture(policy);
  before(() => fixture.open());
  after(() => fixture.close());
  return fixture;
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
