import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { finished } from 'node:stream';
import { containerCreateRequest } from '@wharf/api/decode/container';
import { FrameDemuxer } from '@wharf/api/streams/stdcopy';
import { decode } from '@wharf/base/decode';
import { runAll } from '@wharf/base/transaction';
import { within } from '@wharf/base/within';
import type { FinishedStep, StepMount, StepRequest } from '@wharf/build/solver/step-runner';
import type { Sandbox } from '@wharf/network/networking';
import type { SpecMount } from '@wharf/runtime/spec/mounts';
import { serializeSpec } from '@wharf/runtime/spec/rlimits';
import { rootFiles } from '@wharf/runtime/spec/root-files';
import { cgroupsPath, createRuntimeSpec, type SpecInput } from '@wharf/runtime/spec/spec';
import { resolveUser } from '@wharf/runtime/spec/user';
import { unmountAll } from '@wharf/sys/mount';
import { bundleDirectory, makeContainerDirectory, removeContainerFiles } from '../containers/container-files.ts';
import { createDefaults } from '../containers/create.ts';
import { writeNetworkFiles } from '../containers/network-files.ts';
import { ownerOf } from '../containers/remapped.ts';
import { validateCreate } from '../containers/validate/create.ts';
import type { EngineConfig } from '../engine-config.ts';
import type { ContainerDeps } from '../engine-deps.ts';
import { runtimeOf } from '../engine-runtime.ts';
import type { ProcessExits } from './process-exits.ts';

const SIGKILL = 9;
/** What holds a step's output open after its end is not waited for longer. Seconds. */
const outputPatience = 2;
/** What is made in a root where it is missing, and is not to stay: BuildKit leaves /proc, /dev and /sys. */
const runtimeStubs = ['/etc/hosts', '/etc/resolv.conf', '/etc/hostname'];

/** Runs one command of a build. It is a process of the supervisor's and no container: nothing lists it. */
export async function runStep(deps: ContainerDeps, exits: ProcessExits, request: StepRequest): Promise<FinishedStep> {
  const { id, layers, mounts, signal } = request;
  const { snapshots, config } = deps;
  const cleanup: (() => void | Promise<void>)[] = [];
  let released: Promise<unknown> | undefined;
  const release = async () => {
    released ??= runAll(cleanup.reverse());
    await released;
  };
  try {
    signal.throwIfAborted();
    cleanup.push(() => snapshots.remove(id));
    await snapshots.prepare(id, layers, { volatile: true });
    cleanup.push(() => removeContainerFiles(config, id));
    makeContainerDirectory(config, id);
    const { upperDir } = snapshots.mounts(id);
    const exitCode = await execute(deps, exits, request, cleanup);
    return { exitCode, upper: upperDir, stubs: [...mounts.map(({ target }) => target), ...runtimeStubs], release };
  } catch (error) {
    await release();
    throw signal.aborted ? signal.reason : error;
  }
}

/** What is acquired for the run alone is let go at its end. */
async function execute(
  deps: ContainerDeps,
  exits: ProcessExits,
  request: StepRequest,
  outer: (() => void | Promise<void>)[],
): Promise<number> {
  const { supervisor, networking, snapshots, config } = deps;
  const { id, signal } = request;
  const cleanup: (() => void | Promise<void>)[] = [];
  try {
    const spec = stepSpec(deps, request);
    const sandbox = await networking.openSandbox(spec.sandbox);
    cleanup.push(() => networking.closeSandbox(id));
    outer.push(() => snapshots.unmount(id));
    const root = await snapshots.mount(id);
    const mounts = request.mounts.map((mount, index) => ownedMount(deps, { id, index, mount }, outer));
    const files = writeNetworkFiles(config, { id, config: spec.config, hostConfig: spec.hostConfig }, sandbox);
    const runtime = runtimeOf(deps, '');
    mkdirSync(bundleDirectory(config, id), { recursive: true, mode: 0o700 });
    const oci = createRuntimeSpec(
      {
        config: spec.config,
        hostConfig: spec.hostConfig,
        args: request.args,
        user: resolveUser(rootFiles(root), request.user, null),
        root: { kind: 'path', path: root },
        mounts: mounts.map(specMount),
        files,
        namespaces: {
          network:
            sandbox.namespace.kind === 'path' ? { kind: 'path', path: sandbox.namespace.path } : { kind: 'host' },
        },
        networkSysctlsWritten: sandbox.namespace.kind === 'path',
        ...userNamespaceOf(config, sandbox),
        cgroupsPath: cgroupsPath(spec.hostConfig, config.cgroupParent, id),
      },
      runtime.host,
    );
    writeFileSync(join(bundleDirectory(config, id), 'config.json'), serializeSpec(oci));
    const output = await supervisor.attach(id, undefined, { stdin: false, stdout: true, stderr: true });
    cleanup.push(() => void output.destroy());
    const demuxer = new FrameDemuxer((stream, bytes) => request.onOutput(stream, bytes));
    const ended = new Promise<void>((resolve) => {
      output.on('data', (chunk: Buffer) => demuxer.push(chunk));
      finished(output, { writable: false }, () => resolve());
    });
    const exited = exits.of(id);
    cleanup.push(() => exits.forget(id));
    cleanup.push(() => supervisor.delete(id));
    signal.throwIfAborted();
    const io = { tty: false, stdin: false, stdinOnce: false, ...ownerOf(config, spec.hostConfig) };
    const bundle = bundleDirectory(config, id);
    await supervisor.create({ id, bundle, runtime: runtime.command, io, log: { driver: 'none' } });
    const kill = () => void supervisor.kill(id, SIGKILL, { all: true }).catch(() => undefined);
    signal.addEventListener('abort', kill, { once: true });
    cleanup.push(() => signal.removeEventListener('abort', kill));
    await supervisor.start(id);
    const exitCode = await exited;
    signal.throwIfAborted();
    await within(ended, outputPatience);
    return exitCode;
  } finally {
    const failures = await runAll(cleanup.reverse());
    for (const error of failures) deps.logger.warn('cleaning up after a step of a build', { step: id, error });
  }
}

/** What `docker run` would make of the same wishes. */
function stepSpec(deps: ContainerDeps, request: StepRequest) {
  const { id, args, env, cwd, user, hostname, network, insecure, extraHosts, ulimits, shmSize, limits } = request;
  const networkMode = network === 'default' ? 'bridge' : network;
  const asked = decode(containerCreateRequest, {
    Image: 'build',
    Cmd: args,
    Env: env,
    WorkingDir: cwd,
    User: user,
    Hostname: hostname,
    HostConfig: {
      NetworkMode: networkMode,
      Privileged: insecure,
      ExtraHosts: extraHosts,
      Ulimits: ulimits,
      ShmSize: shmSize,
      Memory: limits.memory,
      MemorySwap: limits.memorySwap,
      CpuShares: limits.cpuShares,
      CpuPeriod: limits.cpuPeriod,
      CpuQuota: limits.cpuQuota,
      CpusetCpus: limits.cpusetCpus,
      CpusetMems: limits.cpusetMems,
      CgroupParent: limits.cgroupParent,
      LogConfig: { Type: 'none' },
    },
  });
  const {
    HostConfig: hostConfig,
    NetworkingConfig: _,
    ...config
  } = validateCreate(asked, deps.hostFacts, createDefaults(deps)).request;
  const sandbox = {
    containerId: id,
    containerName: `build-${id.slice(0, 12)}`,
    hostname: config.Hostname,
    domainname: '',
    networkMode,
    endpoints: {},
    exposedPorts: [],
    portBindings: {},
    publishAllPorts: false,
    dns: [],
    dnsOptions: [],
    dnsSearch: [],
    extraHosts,
    links: [],
    choosesAddresses: insecure,
    sysctls: {},
    remapped: deps.config.idMapping !== undefined,
  };
  return { config, hostConfig, sandbox };
}

function userNamespaceOf({ idMapping }: EngineConfig, { namespace }: Sandbox): Pick<SpecInput, 'userNamespace'> {
  if (!idMapping || namespace.kind !== 'path' || namespace.user === undefined) return {};
  return { userNamespace: { path: namespace.user, mapping: idMapping } };
}

/** Caches and contexts are kept with the owners that containers know; views of layers show them as they should. */
function ownedMount(
  { snapshots, config }: ContainerDeps,
  { id, index, mount }: { id: string; index: number; mount: StepMount },
  cleanup: (() => void)[],
): StepMount {
  if (mount.kind !== 'bind' || mount.source.startsWith(`${join(config.dataRoot, 'snapshots')}/`)) return mount;
  if (!config.idMapping) return mount;
  const directory = join(config.execRoot, 'subpaths', id);
  const target = join(directory, String(index));
  cleanup.push(() => rmSync(directory, { recursive: true, force: true }));
  bindTarget(mount.source, target);
  cleanup.push(() => unmountAll(target));
  snapshots.mapOwners(mount.source, target);
  return { ...mount, source: target };
}

/** A directory for a directory, a file for a file. */
function bindTarget(source: string, target: string): void {
  mkdirSync(dirname(target), { recursive: true });
  if (statSync(source).isDirectory()) mkdirSync(target, { recursive: true });
  else writeFileSync(target, '');
}

function specMount({ kind, target, source, readOnly, size }: StepRequest['mounts'][number]): SpecMount {
  return {
    type: kind,
    destination: target,
    source,
    readOnly,
    propagation: '',
    nonRecursive: false,
    readOnlyNonRecursive: false,
    readOnlyForceRecursive: false,
    tmpfsOptions: size > 0 ? [`size=${size}`] : [],
  };
}
