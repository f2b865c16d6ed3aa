import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Engine } from '../engines/engine.ts';

const port = 5000;

/** The same repositories for every engine: Debian's docker-registry on the loopback of each, over one directory. */
export class SharedRegistry {
  readonly #directory = mkdtempSync(join(tmpdir(), 'wharf-bench-shared-'));
  readonly #processes: ChildProcess[] = [];

  get host(): string {
    return `127.0.0.1:${port}`;
  }

  async openIn(engine: Engine): Promise<void> {
    const configuration = this.#configuration(port);
    const [command = '', ...args] = engine.sandbox.enter(['docker-registry', 'serve', configuration]);
    this.#processes.push(spawn(command, args, { stdio: 'ignore' }));
    const attempt = `(exec 3<>/dev/tcp/127.0.0.1/${port}) 2>/dev/null`;
    await engine.sandbox.run(['bash', '-c', `for i in {1..500}; do ${attempt} && exit; sleep 0.02; done; exit 1`]);
  }

  #configuration(listen: number): string {
    mkdirSync(join(this.#directory, 'root'), { recursive: true });
    const path = join(this.#directory, `config-${listen}.json`);
    const configuration = {
      version: '0.1',
      log: { level: 'error', accesslog: { disabled: true } },
      storage: { filesystem: { rootdirectory: join(this.#directory, 'root') }, cache: { blobdescriptor: 'inmemory' } },
      http: { addr: `127.0.0.1:${listen}` },
    };
    writeFileSync(path, JSON.stringify(configuration));
    return path;
  }

  /** Puts an image there, layers packed by gzip, as a registry's own files: no engine has a part in it. */
  async seed(repository: string, layers: readonly Buffer[]): Promise<void> {
    const packed = await Promise.all(layers.map((layer) => promisify(gzip)(layer, { level: 6 })));
    const config = Buffer.from(
      JSON.stringify({
        architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
        os: 'linux',
        config: { Cmd: ['true'] },
        rootfs: { type: 'layers', diff_ids: layers.map((layer) => `sha256:${sha256(layer)}`) },
        history: layers.map(() => ({ created_by: 'bench' })),
      }),
    );
    const describe = (bytes: Buffer, mediaType: string) => ({
      mediaType,
      size: bytes.length,
      digest: `sha256:${sha256(bytes)}`,
    });
    const manifest = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: manifestType,
        config: describe(config, 'application/vnd.docker.container.image.v1+json'),
        layers: packed.map((layer) => describe(layer, 'application/vnd.docker.image.rootfs.diff.tar.gzip')),
      }),
    );
    for (const blob of [...packed, config]) {
      this.#blob(blob);
      this.#link(repository, `_layers/sha256/${sha256(blob)}`, blob);
    }
    this.#blob(manifest);
    this.#link(repository, `_manifests/revisions/sha256/${sha256(manifest)}`, manifest);
    this.#link(repository, '_manifests/tags/1/current', manifest);
    this.#link(repository, `_manifests/tags/1/index/sha256/${sha256(manifest)}`, manifest);
  }

  #blob(bytes: Buffer): void {
    const digest = sha256(bytes);
    const directory = join(this.#root, 'blobs/sha256', digest.slice(0, 2), digest);
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, 'data'), bytes);
  }

  #link(repository: string, path: string, bytes: Buffer): void {
    const directory = join(this.#root, 'repositories', repository, path);
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, 'link'), `sha256:${sha256(bytes)}`);
  }

  get #root(): string {
    return join(this.#directory, 'root/docker/registry/v2');
  }

  async close(): Promise<void> {
    for (const child of this.#processes) {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      // What runs in the sandbox is the child of the program that went in.
      const inside = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim();
      if (inside !== '') process.kill(Number(inside));
      await ended;
    }
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

const manifestType = 'application/vnd.docker.distribution.manifest.v2+json';

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
