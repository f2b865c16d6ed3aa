import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { busyboxImage } from '../fixtures/image.ts';
import { Daemon, type DaemonOptions } from './daemon.ts';
import type { Answer } from './http.ts';
import { openSandbox, type Sandbox } from './sandbox.ts';
import { demultiplex } from './stdcopy.ts';
import { target } from './target.ts';

export interface ContainerSpec {
  readonly Image?: string;
  readonly Cmd?: readonly string[];
  readonly HostConfig?: Record<string, unknown>;
  readonly [field: string]: unknown;
}

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A daemon with the image `busybox` for all cases of a file. It exists while cases run, not before. */
export class Fixture {
  #daemon: Daemon | undefined;
  #options: DaemonOptions;

  constructor(options: DaemonOptions) {
    this.#options = options;
  }

  get daemon(): Daemon {
    if (!this.#daemon) throw new Error('the daemon lives only while cases run');
    return this.#daemon;
  }

  async open(): Promise<void> {
    const sandbox = await openSandbox();
    this.#daemon = new Daemon(sandbox, this.#options);
    try {
      await this.#daemon.start();
      await this.load(busyboxImage());
    } catch (error) {
      this.#daemon = undefined;
      await sandbox.close();
      throw error;
    }
  }

  /** Empties the daemon, stops it, and fails when something of it is left in the sandbox. */
  async close(): Promise<void> {
    if (!this.#daemon) return;
    const { sandbox } = this.daemon;
    try {
      await removeEverything(this.daemon);
      await this.daemon.stop();
      assert.deepEqual(await settledLeftovers(sandbox), [], 'the daemon left these behind');
    } finally {
      await sandbox.close();
    }
  }

  api(method: string, url: string, body?: unknown): Promise<Answer> {
    return this.daemon.api(method, url, body);
  }

  async load(archive: Buffer): Promise<void> {
    const answer = await this.daemon.api('POST', '/images/load?quiet=1', archive, {
      headers: { 'Content-Type': 'application/x-tar' },
    });
    assert.equal(answer.status, 200, answer.text);
    assert.ok(!answer.text.includes('errorDetail'), answer.text);
  }

  /** What the docker command says, trimmed; it must succeed. */
  async docker(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.daemon.docker(args);
    assert.equal(code, 0, `${args.join(' ')}: ${stderr}`);
    return stdout.trim();
  }

  /** What the docker command says when it fails, as it must. */
  async refused(...args: string[]): Promise<string> {
    const { code, stderr } = await this.daemon.docker(args);
    assert.notEqual(code, 0, args.join(' '));
    return stderr;
  }

  /** Creates a container of busybox unless told otherwise, and gives its id. */
  async create(spec: ContainerSpec = {}, name?: string): Promise<string> {
    const query = name === undefined ? '' : `?name=${encodeURIComponent(name)}`;
    const answer = await this.api('POST', `/containers/create${query}`, { Image: 'busybox', ...spec });
    assert.equal(answer.status, 201, answer.text);
    return answer.json.Id;
  }

  async start(id: string): Promise<void> {
    const answer = await this.api('POST', `/containers/${id}/start`);
    assert.equal(answer.status, 204, answer.text);
  }

  /** Creates and starts. */
  async started(spec: ContainerSpec = {}, name?: string): Promise<string> {
    const id = await this.create(spec, name);
    await this.start(id);
    return id;
  }

  /** A container that stays until it is killed, and ends at once when told to. */
  sleeping(spec: ContainerSpec = {}, name?: string): Promise<string> {
    return this.started({ Cmd: ['sleep', '1000'], StopSignal: 'SIGKILL', ...spec }, name);
  }

  async wait(id: string, condition = ''): Promise<number> {
    const answer = await this.api('POST', `/containers/${id}/wait${condition && `?condition=${condition}`}`);
    assert.equal(answer.status, 200, answer.text);
    return answer.json.StatusCode;
  }

  /** Runs a container to its end and removes it. */
  async run(spec: ContainerSpec): Promise<Outcome> {
    const id = await this.create(spec);
    const attached = await this.daemon.open('POST', `/containers/${id}/attach?stream=1&stdout=1&stderr=1`, undefined, {
      headers: { Connection: 'Upgrade', Upgrade: 'tcp' },
    });
    await this.start(id);
    const output = demultiplex(await attached.reader.rest());
    attached.socket.destroy();
    const code = await this.wait(id);
    await this.remove(id);
    return { code, ...output };
  }

  /** Runs `script` with sh in a fresh container. */
  sh(script: string, spec: ContainerSpec = {}): Promise<Outcome> {
    return this.run({ Cmd: ['sh', '-c', script], ...spec });
  }

  /** Runs a command in a running container. */
  async exec(id: string, command: readonly string[], spec: Record<string, unknown> = {}): Promise<Outcome> {
    const created = await this.api('POST', `/containers/${id}/exec`, {
      AttachStdout: true,
      AttachStderr: true,
      Cmd: command,
      ...spec,
    });
    assert.equal(created.status, 201, created.text);
    const open = await this.daemon.open('POST', `/exec/${created.json.Id}/start`, { Detach: false, Tty: false });
    assert.equal(open.status, 200);
    const output = demultiplex(await open.reader.rest());
    open.socket.destroy();
    const inspected = await this.api('GET', `/exec/${created.json.Id}/json`);
    return { code: inspected.json.ExitCode, ...output };
  }

  async logs(id: string, query = ''): Promise<{ stdout: string; stderr: string }> {
    const open = await this.daemon.open('GET', `/containers/${id}/logs?stdout=1&stderr=1${query}`);
    const chunks: Buffer[] = [];
    for await (const chunk of open.body) chunks.push(chunk);
    open.socket.destroy();
    return demultiplex(Buffer.concat(chunks));
  }

  /** Resolves when the container has written `text`. */
  async logged(id: string, text: string): Promise<void> {
    const open = await this.daemon.open('GET', `/containers/${id}/logs?stdout=1&stderr=1&follow=1`);
    let seen = '';
    for await (const chunk of open.body) {
      seen += chunk.toString();
      if (seen.includes(text)) break;
    }
    open.socket.destroy();
    assert.ok(seen.includes(text), `the container ended without writing ${JSON.stringify(text)}`);
  }

  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  async inspect(id: string): Promise<any> {
    const answer = await this.api('GET', `/containers/${id}/json`);
    assert.equal(answer.status, 200, answer.text);
    return answer.json;
  }

  async remove(id: string): Promise<void> {
    const answer = await this.api('DELETE', `/containers/${id}?force=1&v=1`);
    assert.equal(answer.status, 204, answer.text);
  }
}

/** The supervisor ends when the daemon has: a moment later. */
async function settledLeftovers(sandbox: Sandbox): Promise<string[]> {
  for (const deadline = Date.now() + 3000; ; ) {
    const left = (await sandbox.leftovers()).filter((line) => target !== 'docker' || !dockerLeaves(line));
    if (left.length === 0 || Date.now() > deadline) return left;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Registers the hooks that give a test file its daemon. */
export function useDaemon(options: DaemonOptions = {}): Fixture {
  const fixture = new Fixture(options);
  before(() => fixture.open());
  after(() => fixture.close());
  return fixture;
}

export async function removeEverything(daemon: Daemon): Promise<void> {
  const containers = await daemon.api('GET', '/containers/json?all=1');
  await Promise.all(
    containers.json.map(({ Id }: { Id: string }) => daemon.api('DELETE', `/containers/${Id}?force=1&v=1`)),
  );
  await daemon.api('POST', '/networks/prune');
  await daemon.api('POST', `/volumes/prune?filters=${encodeURIComponent('{"all":["true"]}')}`);
}

// Docker keeps its bridge, chains, cgroup parents and some mounts of its own for the next start.
function dockerLeaves(line: string): boolean {
  return /^(link|nft|cgroup|mount .*(\/data(\/\d+\.\d+)?|\/netns\/default)$)/.test(line);
}
