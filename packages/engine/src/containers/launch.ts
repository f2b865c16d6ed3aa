import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { conflict, EngineError } from '@wharf/base/error';
import { together } from '@wharf/base/together';
import type { Undo } from '@wharf/base/transaction';
import type { Sandbox } from '@wharf/network/networking';
import type { NetworkNamespace } from '@wharf/runtime/spec/namespaces';
import { serializeSpec } from '@wharf/runtime/spec/rlimits';
import { layeredFiles, rootFiles } from '@wharf/runtime/spec/root-files';
import { cgroupsPath, createRuntimeSpec, type SpecRoot } from '@wharf/runtime/spec/spec';
import type { RootFiles } from '@wharf/runtime/spec/user';
import { resolveUser } from '@wharf/runtime/spec/user';
import type { ProcessIo } from '@wharf/runtime/supervisor/supervisor';
import type { EngineConfig } from '../engine-config.ts';
import type { ContainerDeps } from '../engine-deps.ts';
import { runtimeOf } from '../engine-runtime.ts';
import { bundleDirectory, makeContainerDirectory } from './container-files.ts';
import type { ContainerRecord } from './container-record.ts';
import { linkedEnvironment, requireLinked } from './links.ts';
import { logTarget } from './log-target.ts';
import { prepareMounts } from './mount-sources.ts';
import { writeNetworkFiles } from './network-files.ts';
import { publishEndpoints } from './publish-endpoints.ts';
import { idMappingOf, ownerOf } from './remapped.ts';
import { sandboxRequest } from './sandbox-request.ts';
import { mountShm } from './shared-memory.ts';
import { findSharedNamespaces, requireRunning, type Shared } from './shared-namespaces.ts';

/**
 * Everything from a record to a created process whose program has not begun: network beside root and mounts, the
 * bundle, and the runtime's create. Answers the pid of the container's init.
 */
export async function launch(deps: ContainerDeps, record: ContainerRecord, undo: Undo): Promise<number> {
  const { config, supervisor, fault, warmer } = deps;
  const { id, hostConfig } = record;
  using _warmth = warmer.hold();
  const runtime = runtimeOf(deps, hostConfig.Runtime);
  const shared = findSharedNamespaces(deps, record);
  requireLinked(deps, record);
  await using held = new AsyncDisposableStack();
  fault('start.begin');
  makeContainerDirectory(config, id);
  const idMapping = idMappingOf(config, hostConfig);
  // The kernel lets an overlay be mounted with other owners by the host alone.
  const mountedByRuntime = runtime.host.runtime.rootMount && !idMapping;
  const [sandbox, root, mounts] = await together([
    openNetwork(deps, record, undo),
    mountRoot(deps, record, mountedByRuntime, undo),
    prepareMounts(deps, record, { directory: join(config.execRoot, 'subpaths', id), held, undo }),
    mountShm(config, record, undo),
  ]);
  fault('start.files');
  const files = writeNetworkFiles(config, record, sandbox);
  mkdirSync(bundleDirectory(config, id), { recursive: true, mode: 0o700 });
  const spec = createRuntimeSpec(
    {
      config: record.config,
      hostConfig,
      args: [record.path, ...record.args],
      user: resolveUser(root.files, record.config.User, hostConfig.GroupAdd),
      root: root.spec,
      mounts,
      files,
      namespaces: { ...shared.namespaces, network: networkNamespace(deps, sandbox) },
      ...(idMapping && {
        userNamespace: { path: userNamespace(deps, sandbox, shared.joined), mapping: idMapping },
      }),
      networkSysctlsWritten: sandbox.namespace.kind === 'path',
      linkedEnvironment: linkedEnvironment(deps, record),
      cgroupsPath: cgroupsPath(hostConfig, config.cgroupParent, id),
      ...(shared.shmPath !== undefined && { shmPath: shared.shmPath }),
    },
    runtime.host,
  );
  fault('start.bundle');
  writeFileSync(join(bundleDirectory(config, id), 'config.json'), serializeSpec(spec));
  fault('start.create');
  undo.defer(() => supervisor.delete(id));
  // Hundreds of ports take milliseconds, which the runtime needs anyway.
  const [{ pid }] = await together([
    supervisor.create({
      id,
      bundle: bundleDirectory(config, id),
      runtime: runtime.command,
      io: ioOf(config, record),
      log: logTarget(record),
    }),
    publishPorts(deps, id),
  ]);
  return pid;
}

async function openNetwork(deps: ContainerDeps, record: ContainerRecord, undo: Undo): Promise<Sandbox> {
  deps.fault('start.network');
  return await networking(async () => {
    const sandbox = await deps.networking.openSandbox(sandboxRequest(deps, record));
    undo.defer(() => deps.networking.closeSandbox(record.id));
    publishEndpoints(deps, record.id, Object.keys(sandbox.endpoints), 'connect');
    return sandbox;
  });
}

async function publishPorts(deps: ContainerDeps, id: string): Promise<void> {
  deps.fault('start.ports');
  await networking(() => deps.networking.publishPorts(id));
}

async function networking<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { code, message, reason, cause } = EngineError.from(error);
    throw new EngineError(code, `failed to set up container networking: ${message}`, {
      ...(reason && { reason }),
      cause,
    });
  }
}

interface Root {
  readonly spec: SpecRoot;
  readonly files: RootFiles;
}

/** Where the runtime mounts the overlay itself, no mount is left on the host: each slows every later start. */
async function mountRoot(deps: ContainerDeps, { id }: ContainerRecord, byRuntime: boolean, undo: Undo): Promise<Root> {
  const { snapshots, fault } = deps;
  fault('start.mount');
  if (byRuntime) {
    const { lowerDirs, upperDir, workDir, target, volatile } = snapshots.mounts(id);
    mkdirSync(target, { recursive: true });
    const files = layeredFiles([upperDir, ...lowerDirs]);
    return { spec: { kind: 'overlay', path: target, lowerDirs, upperDir, workDir, volatile }, files };
  }
  const path = await snapshots.mount(id);
  undo.defer(() => snapshots.unmount(id));
  return { spec: { kind: 'path', path }, files: rootFiles(path) };
}

function networkNamespace({ containers }: ContainerDeps, { namespace }: Sandbox): NetworkNamespace {
  switch (namespace.kind) {
    case 'path':
      return { kind: 'path', path: namespace.path };
    case 'host':
      return { kind: 'host' };
    case 'container': {
      const { pid } = requireRunning(containers.find(namespace.containerId), 'network').state;
      return { kind: 'path', path: `/proc/${pid}/ns/net` };
    }
  }
}

/** Namespaces that are shared belong to one user namespace: that of the container that came first. */
function userNamespace(
  { config, containers }: ContainerDeps,
  { namespace }: Sandbox,
  joined: Shared['joined'],
): string {
  const shared = [...joined, ...(namespace.kind === 'container' ? [containers.find(namespace.containerId)] : [])];
  for (const { name, hostConfig } of shared) {
    if (idMappingOf(config, hostConfig)) continue;
    throw conflict(`cannot join namespaces of container ${name}: it is in the host's user namespace (--userns=host)`);
  }
  const [first, ...others] = new Set(shared.map(({ state }) => state.pid));
  if (others.length > 0) {
    throw conflict('cannot join namespaces of several containers when user namespaces are enabled');
  }
  if (first !== undefined) return `/proc/${first}/ns/user`;
  if (namespace.kind === 'path' && namespace.user !== undefined) return namespace.user;
  throw new EngineError('internal', 'a remapped container has no user namespace');
}

function ioOf(daemon: EngineConfig, { config, hostConfig }: ContainerRecord): ProcessIo {
  const [rows, columns] = hostConfig.ConsoleSize;
  return {
    tty: config.Tty,
    stdin: config.OpenStdin,
    stdinOnce: config.StdinOnce,
    ...ownerOf(daemon, hostConfig),
    ...(config.Tty && rows > 0 && columns > 0 && { size: { rows, columns } }),
  };
}
