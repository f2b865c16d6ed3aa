import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { FrameDemuxer } from '@wharf/api/streams/stdcopy';
import { readCgroupLayout } from '@wharf/sys/cgroup';
import { removeTestCgroups } from '../test-cgroups.ts';
import { connectSupervisor, type SupervisorClient } from './client.ts';
import type { CreateProcess, OciRuntimeCommand, ProcessExit, ProcessIo } from './supervisor.ts';

const applets = ['sh', 'cat', 'echo', 'sleep', 'true', 'stty', 'kill', 'dd', 'head', 'yes', 'trap', 'tr', 'seq'];

export const pipes: ProcessIo = { tty: false, stdin: false, stdinOnce: false };
export const withStdin: ProcessIo = { tty: false, stdin: true, stdinOnce: true };
export const terminal: ProcessIo = { tty: true, stdin: true, stdinOnce: true };

/** For tests with the real kernel: a supervisor of its own, and bundles of a busybox. */
export class TestContainers {
  readonly root = mkdtempSync(join(tmpdir(), 'wharf-supervisor-'));
  readonly cgroup = `wharf-test-${process.pid}-${Math.random().toString(36).slice(2, 8)}`;
  readonly runtime: OciRuntimeCommand;
  client!: SupervisorClient;
  readonly #exits = new Map<string, ProcessExit>();
  readonly #waiting = new Map<string, (exit: ProcessExit) => void>();

  constructor(name: OciRuntimeCommand['name']) {
    this.runtime = { name, path: findRuntime(name), root: join(this.root, name) };
    const bin = join(this.root, 'rootfs/bin');
    for (const directory of ['bin', 'proc', 'dev', 'etc', 'tmp']) {
      mkdirSync(join(this.root, 'rootfs', directory), { recursive: true });
    }
    copyFileSync('/bin/busybox', join(bin, 'busybox'));
    for (const applet of applets) if (applet !== 'trap') symlinkSync('busybox', join(bin, applet));
    writeFileSync(join(this.root, 'rootfs/etc/text'), 'no program\n');
  }

  /** crun refuses a hybrid hierarchy with controllers left on v2. */
  static available(): OciRuntimeCommand['name'][] {
    const { mode, v2Controllers } = readCgroupLayout();
    const usable = mode === 'hybrid' && v2Controllers.length > 0 ? (['runc'] as const) : (['crun', 'runc'] as const);
    return usable.filter((name) => findRuntime(name) !== '');
  }

  async connect(): Promise<SupervisorClient> {
    this.client = await this.newClient();
    this.client.onExit((exit) => {
      const at = `${exit.id}/${exit.execId ?? ''}`;
      this.#exits.set(at, exit);
      this.#waiting.get(at)?.(exit);
    });
    return this.client;
  }

  newClient(): Promise<SupervisorClient> {
    return connectSupervisor({ execRoot: this.root, spawn: this.command });
  }

  get command(): string[] {
    return [process.execPath, fileURLToPath(new URL('./main.ts', import.meta.url))];
  }

  bundle(id: string, script: string, { tty, memory }: { tty?: boolean; memory?: number } = {}): string {
    const bundle = join(this.root, 'bundles', id);
    mkdirSync(bundle, { recursive: true });
    const capabilities = ['CAP_KILL', 'CAP_CHOWN'];
    const config = {
      ociVersion: '1.0.2',
      process: {
        ...this.process(['sh', '-c', script], tty),
        capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      },
      root: { path: join(this.root, 'rootfs'), readonly: false },
      hostname: 'test',
      mounts: [
        { destination: '/proc', type: 'proc', source: 'proc' },
        { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755', 'size=65536k'] },
        {
          destination: '/dev/pts',
          type: 'devpts',
          source: 'devpts',
          options: ['newinstance', 'ptmxmode=0666', 'mode=0620'],
        },
      ],
      linux: {
        cgroupsPath: `/${this.cgroup}/${id}`,
        resources: {
          devices: [{ allow: false, access: 'rwm' }],
          ...(memory && { memory: { limit: memory, swap: memory } }),
        },
        namespaces: ['mount', 'uts', 'ipc', 'network', 'pid'].map((type) => ({ type })),
      },
    };
    writeFileSync(join(bundle, 'config.json'), JSON.stringify(config));
    return bundle;
  }

  process(args: string[], tty = false): object {
    return { terminal: tty, user: { uid: 0, gid: 0 }, args, env: ['PATH=/bin', 'TERM=xterm'], cwd: '/' };
  }

  logPath(id: string): string {
    return join(this.root, `${id}.log`);
  }

  request(
    id: string,
    script: string,
    io: ProcessIo = pipes,
    more: Partial<CreateProcess> & { memory?: number } = {},
  ): CreateProcess {
    const { memory, ...rest } = more;
    const bundle = this.bundle(id, script, { tty: io.tty, ...(memory !== undefined && { memory }) });
    return { id, bundle, runtime: this.runtime, io, log: { driver: 'json-file', path: this.logPath(id) }, ...rest };
  }

  async run(request: CreateProcess): Promise<number> {
    const { pid } = await this.client.create(request);
    await this.client.start(request.id);
    return pid;
  }

  exited(id: string, execId = ''): Promise<ProcessExit> {
    const at = `${id}/${execId}`;
    const known = this.#exits.get(at);
    if (known) return Promise.resolve(known);
    return new Promise((resolve) => this.#waiting.set(at, resolve));
  }

  /** The cgroups that exist for a container. */
  cgroupsOf(id: string): string[] {
    const { v1, v2 } = readCgroupLayout();
    const roots = new Set([...v1.values(), ...(v2 === undefined ? [] : [v2])]);
    return [...roots].map((root) => `${root}/${this.cgroup}/${id}`).filter((directory) => existsSync(directory));
  }

  async descriptors(): Promise<number> {
    const { pid } = await this.client.ping();
    return readdirSync(`/proc/${pid}/fd`).length;
  }

  /** Ends everything and removes every trace. */
  async close(): Promise<void> {
    for (const { id } of await this.client.list()) await this.client.delete(id);
    const { pid } = await this.client.ping();
    await this.client.stop();
    this.client.close();
    while (existsSync(`/proc/${pid}`)) await new Promise((done) => setImmediate(done));
    removeTestCgroups(this.cgroup);
    rmSync(this.root, { recursive: true });
  }
}

function findRuntime(name: string): string {
  const places = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin'];
  return places.map((place) => join(place, name)).find((path) => existsSync(path)) ?? '';
}

/** What a client reads until the end: `1:` before stdout, `2:` before stderr, nothing with a terminal. */
export async function collect(stream: Duplex, tty = false): Promise<string> {
  let text = '';
  const demuxer = new FrameDemuxer((number, payload) => {
    text += `${number}:${payload.toString()}`;
  });
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    if (tty) text += chunk.toString();
    else demuxer.push(chunk);
  }
  return text;
}

/** Resolves when what a terminal says contains the text. */
export function says(stream: Duplex, text: string): Promise<void> {
  let seen = '';
  return new Promise((resolve) => {
    const read = (chunk: Buffer) => {
      seen += chunk.toString();
      if (!seen.includes(text)) return;
      stream.off('data', read);
      resolve();
    };
    stream.on('data', read);
  });
}
