import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { notFound } from '@wharf/base/error';
import { noFaults } from '@wharf/base/fault-point';
import { KeyedLock } from '@wharf/base/keyed-lock';
import { silentLogger } from '@wharf/base/logger';
import { timestamp } from '@wharf/base/timestamp';
import type { Networking } from '@wharf/network/networking';
import type { ProcessExit, ProcessState, Supervisor } from '@wharf/runtime/supervisor/supervisor';
import type { ImageRecord, ImageStore } from '@wharf/store/images/image-store';
import { type Database, openDatabase } from '@wharf/store/metadata/database';
import type { Snapshotter } from '@wharf/store/snapshots/snapshotter';
import { ContainerTrees } from '@wharf/store/trees/container-trees';
import { DriverVolumeStore } from '@wharf/store/volumes/driver-volume-store';
import { ContainerStore } from '../src/containers/container-store.ts';
import { watchExits } from '../src/containers/exit.ts';
import { HealthMonitor } from '../src/containers/health.ts';
import { Removals } from '../src/containers/removals.ts';
import { Restarts } from '../src/containers/restarts.ts';
import { Teardowns } from '../src/containers/teardowns.ts';
import { readHostFacts } from '../src/containers/validate/host-facts.ts';
import { Waits } from '../src/containers/waits.ts';
import type { ContainerDeps } from '../src/engine-deps.ts';
import { EventBus } from '../src/events.ts';
import { ExecStore } from '../src/exec/exec-store.ts';

/** A supervisor whose processes exist in memory only: `exit` ends one as the kernel would. */
export class FakeSupervisor implements Supervisor {
  readonly processes = new Map<string, ProcessState>();
  /** Signals end a process unless it is in here. */
  readonly deaf = new Set<string>();
  createError: Error | undefined;
  #listeners: ((exit: ProcessExit) => void)[] = [];
  #pid = 1000;

  async create({ id }: { id: string }): Promise<{ pid: number }> {
    if (this.createError) throw this.createError;
    if (this.processes.has(id)) throw new Error(`container ${id} exists`);
    this.#pid += 1;
    this.processes.set(id, { id, pid: this.#pid, status: 'created' });
    return { pid: this.#pid };
  }

  async start(id: string): Promise<void> {
    this.processes.set(id, { ...this.processes.get(id)!, status: 'running' });
  }

  exit(id: string, exitCode: number): void {
    const exit = { id, exitCode, exitedAt: timestamp(), oomKilled: false };
    this.processes.set(id, { ...this.processes.get(id)!, status: 'exited', exit });
    for (const listener of this.#listeners) listener(exit);
  }

  async kill(id: string, signal: number): Promise<void> {
    if (signal === 9 || !this.deaf.has(id)) this.exit(id, 128 + signal);
  }

  async exec(): Promise<{ pid: number }> {
    return { pid: 1 };
  }
  async killExec(): Promise<void> {}
  async resize(): Promise<void> {}
  async attach(): Promise<PassThrough> {
    return new PassThrough();
  }
  async attachWithLog(): Promise<{ stream: PassThrough; joint: undefined }> {
    return { stream: new PassThrough(), joint: undefined };
  }
  onExit(listener: (exit: ProcessExit) => void): void {
    this.#listeners.push(listener);
  }
  async list(): Promise<readonly ProcessState[]> {
    return [...this.processes.values()];
  }
  async delete(id: string): Promise<void> {
    this.processes.delete(id);
  }
  async drained(): Promise<void> {}
  async delivered(): Promise<void> {}
  async upgrade(): Promise<void> {}
  async ping(): Promise<{ pid: number; version: string }> {
    return { pid: 1, version: '' };
  }
  /** The daemon is gone; the processes are not. */
  close(): void {
    this.#listeners = [];
  }
}

const image: ImageRecord = {
  id: `sha256:${'a'.repeat(64)}`,
  target: { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: `sha256:${'a'.repeat(64)}`, size: 1 },
  manifest: { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: `sha256:${'a'.repeat(64)}`, size: 1 },
  config: {
    os: 'linux',
    architecture: 'amd64',
    config: { Cmd: ['sh'], Labels: { from: 'image' } },
    rootfs: { type: 'layers', diff_ids: [] },
  },
  configDigest: `sha256:${'b'.repeat(64)}`,
  diffIds: [],
  layerSizes: [],
  repoTags: ['busybox:latest'],
  repoDigests: [],
  size: 100,
  lastTagTime: '2026-01-01T00:00:00Z',
};

function fakeImages(): ImageStore {
  return {
    resolve: (name: string) => {
      if (name === 'busybox' || name === image.id) return image;
      throw notFound(`No such image: ${name}:latest`);
    },
    images: () => [image],
  } as unknown as ImageStore;
}

export interface FakeSnapshots extends Snapshotter {
  readonly prepared: Set<string>;
}

function fakeSnapshots(root: string): FakeSnapshots {
  const prepared = new Set<string>();
  return {
    prepared,
    prepare: async (id) => void prepared.add(id),
    view: (id) => void prepared.add(id),
    mounts: () => ({ lowerDirs: [], upperDir: '', workDir: '', target: root, volatile: false }),
    mount: async () => root,
    unmount: async () => {},
    mapOwners: () => false,
    remove: async (id) => void prepared.delete(id),
    usage: async () => 7,
    reconcile: async (keep) => {
      for (const id of prepared) if (!keep.has(id)) prepared.delete(id);
    },
  };
}

export interface FakeNetworking extends Networking {
  readonly open: Set<string>;
}

function fakeNetworking(): FakeNetworking {
  const open = new Set<string>();
  const sandbox = (containerId: string) => ({
    containerId,
    namespace: { kind: 'host' as const },
    sandboxKey: '',
    hosts: '',
    resolvConf: '',
    endpoints: {},
    ports: {},
  });
  return {
    open,
    reconcile: async (running: ReadonlyMap<string, number>) => {
      for (const id of open) if (!running.has(id)) open.delete(id);
    },
    network: (name: string) => ({ name, id: 'f'.repeat(64) }),
    networks: () => [],
    validate: () => {},
    openSandbox: async ({ containerId }: { containerId: string }) => {
      open.add(containerId);
      return sandbox(containerId);
    },
    publishPorts: async () => {},
    closeSandbox: async (id: string) => void open.delete(id),
    sandbox: (id: string) => (open.has(id) ? sandbox(id) : undefined),
    rename: () => {},
    relink: () => {},
    close: async () => {},
  } as unknown as FakeNetworking;
}

export interface Fixture extends Disposable {
  readonly deps: ContainerDeps;
  readonly supervisor: FakeSupervisor;
  readonly snapshots: FakeSnapshots;
  readonly networking: FakeNetworking;
  readonly database: Database;
  /** Actions in the order they were published. */
  readonly actions: string[];
  /** The same disk and processes, another daemon. */
  restart(): Fixture;
}

export function openFixture(): Fixture {
  const root = mkdtempSync(join(tmpdir(), 'wharf-engine-'));
  const snapshots = fakeSnapshots(root);
  const f = build(root, new FakeSupervisor(), snapshots, fakeNetworking(), openDatabase(join(root, 'meta.db')));
  watchExits(f.deps);
  return f;
}

function build(
  root: string,
  supervisor: FakeSupervisor,
  snapshots: FakeSnapshots,
  networking: FakeNetworking,
  database: Database,
): Fixture {
  const events = new EventBus();
  const actions: string[] = [];
  events.listen(({ Type, Action }) => void actions.push(Type === 'container' ? Action : `${Type} ${Action}`));
  const containers = new ContainerStore(database);
  const runtime = {
    command: { name: 'crun' as const, path: '/bin/false', root },
    version: '1.8.1',
    host: {
      capabilities: new Set<string>(),
      hardLimits: undefined,
      maskedPaths: [],
      seccomp: { filter: () => ({ kind: 'profile', profile: {} }) },
      apparmorProfile: undefined,
      defaultShmSize: 1,
      defaultUlimits: [],
      noNewPrivileges: false,
      initByDefault: false,
      findInit: () => '/init',
      runtime: { name: 'crun' as const, rootMount: false, seccompBpf: false, recursiveReadOnly: false },
    },
  };
  const deps = {
    config: {
      dataRoot: join(root, 'data'),
      execRoot: join(root, 'exec'),
      defaultRuntime: 'crun',
      logging: { driver: 'json-file', options: {} },
      defaultStopTimeout: 10,
      defaultShmSize: 1,
      defaultIpcMode: 'private',
      defaultCgroupnsMode: undefined,
      cgroupParent: 'test',
    },
    logger: silentLogger,
    fault: noFaults,
    runtimes: { crun: runtime },
    hostFacts: readHostFacts(),
    database,
    images: fakeImages(),
    snapshots,
    volumes: new DriverVolumeStore({ database, directory: join(root, 'volumes'), logger: silentLogger }),
    networking,
    supervisor,
    events,
    trees: new ContainerTrees(),
    warmer: { warm: () => {}, hold: () => ({ [Symbol.dispose]: () => {} }) },
    containers,
    locks: new KeyedLock(),
    waits: new Waits(),
    restarts: new Restarts(),
    teardowns: new Teardowns((_id, error) => {
      throw error;
    }),
    execs: new ExecStore(),
    removals: new Removals(),
    health: new HealthMonitor(
      events,
      (id) => containers.get(id),
      async () => ({ Start: '', End: '', ExitCode: 0, Output: '' }),
    ),
  } as unknown as ContainerDeps;
  return {
    deps,
    supervisor,
    snapshots,
    networking,
    database,
    actions,
    restart: () => {
      supervisor.close();
      deps.restarts.close();
      return build(root, supervisor, snapshots, networking, database);
    },
    [Symbol.dispose]: () => {
      deps.restarts.close();
      rmSync(root, { recursive: true, force: true });
    },
  };
}
