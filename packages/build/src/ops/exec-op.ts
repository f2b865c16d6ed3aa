import { mkdirSync } from 'node:fs';
import { EngineError, invalidArgument, notImplemented } from '@wharf/base/error';
import { newId } from '@wharf/base/id';
import { nowNanos } from '@wharf/base/timestamp';
import type { Digest } from '@wharf/oci/digest';
import type { LayerRecord } from '@wharf/store/layers/layer-store';
import { openRoot, resolveInRoot } from '@wharf/sys/safe-path';
import { decodePlatform } from '../dockerfile/llb/platform.ts';
import { CacheSharingOpt, type ExecOp, type Mount, MountType, NetMode, SecurityMode } from '../pb/llb_pb.ts';
import type { Vertex } from '../solver/graph.ts';
import { emptyResult, layerPaths, locationOf, type Result } from '../solver/result.ts';
import { CommandError, MissingPathError, SolveError } from '../solver/solve-error.ts';
import type { Solver } from '../solver/solver.ts';
import type { StepMount, StepRequest } from '../solver/step-runner.ts';
import { byteName } from '../trees/tree-view.ts';
import { OutputMask } from './output-mask.ts';
import { requireRunnable } from './runnable-platforms.ts';
import { StepKeys } from './step-keys.ts';

interface ExecWork {
  readonly op: ExecOp;
  readonly inputs: readonly Result[];
  /** Of the root, bottom to top. */
  readonly base: readonly Digest[];
}

/** Runs a command and makes a layer of what it wrote. */
export async function runExecOp(solver: Solver, vertex: Vertex, work: ExecWork): Promise<LayerRecord> {
  const { op, base } = work;
  const { meta } = op;
  const { options, deps } = solver;
  if (!meta) throw invalidArgument('invalid exec operation: it says no command');
  requirePlain(op, options.entitlements);
  const { platform } = vertex.op;
  if (platform) requireRunnable(decodePlatform(platform));
  const id = newId();
  await using held = new AsyncDisposableStack();
  await using workspace = solver.workspace();
  await using keys = new StepKeys(options.keys, workspace.path);
  const mounts = await prepareMounts(solver, work, id, { held, keys });
  const secretVariables = await secretEnvironment(op, keys);
  const mask = new OutputMask(keys.values);
  const tell = (stream: number, bytes: Buffer) => {
    if (bytes.length === 0) return;
    options.emit({ kind: 'log', vertex: vertex.digest, stream, bytes: Uint8Array.from(bytes), timestamp: nowNanos() });
  };
  const turn = { limit: options.limits.parallelSteps ?? Number.POSITIVE_INFINITY, signal: options.signal };
  const request = {
    id,
    layers: base,
    args: meta.args,
    env: [...meta.env, ...proxyVariables(meta.proxyEnv), ...secretVariables],
    cwd: meta.cwd || '/',
    user: meta.user,
    hostname: meta.hostname || 'buildkitsandbox',
    network: op.network === NetMode.NONE ? 'none' : op.network === NetMode.HOST ? 'host' : 'default',
    insecure: op.security === SecurityMode.INSECURE,
    extraHosts: meta.extraHosts.map(({ Host, IP }) => `${Host}:${IP}`),
    ulimits: meta.ulimit.map(({ Name, Soft, Hard }) => ({ Name, Soft: Number(Soft), Hard: Number(Hard) })),
    shmSize: options.shmSize,
    limits: meta.cgroupParent ? { ...options.limits, cgroupParent: meta.cgroupParent } : options.limits,
    mounts,
    signal: options.signal,
    onOutput: (stream: number, bytes: Uint8Array) => tell(stream, mask.push(stream, bytes)),
  } satisfies StepRequest;
  const step = await deps.gate.run(options, turn, () => {
    deps.fault('build.run');
    options.onRun?.(vertex.digest, id);
    return deps.runner.run(request);
  });
  held.defer(() => step.release());
  for (const [stream, bytes] of mask.end()) tell(stream, bytes);
  const valid = meta.validExitCodes.length > 0 ? meta.validExitCodes : [0];
  if (!valid.includes(step.exitCode)) {
    throw new SolveError(vertex.digest, new CommandError(meta.args, step.exitCode), step.exitCode);
  }
  const lowers = layerPaths(deps.dataRoot, base);
  deps.fault('build.tidy');
  await deps.workers.run('tidy', { upper: step.upper, lowers, stubs: step.stubs.map(byteName) }, options.signal);
  return await solver.adopt(step.upper);
}

function requirePlain(op: ExecOp, entitlements: ReadonlySet<string>): void {
  if (op.security === SecurityMode.INSECURE && !entitlements.has('security.insecure')) {
    throw new EngineError('permission_denied', 'security.insecure is not allowed');
  }
  if (op.network === NetMode.HOST && !entitlements.has('network.host')) {
    throw new EngineError('permission_denied', 'network.host is not allowed');
  }
  if (op.cdiDevices.some(({ optional }) => !optional)) throw notImplemented('RUN --device');
}

/** Secrets that a step has as variables. */
async function secretEnvironment({ secretenv }: ExecOp, keys: StepKeys): Promise<string[]> {
  const variables: string[] = [];
  for (const { ID, name, optional } of secretenv) {
    const value = await keys.value(ID, { optional });
    if (value !== undefined) variables.push(`${name}=${Buffer.from(value).toString()}`);
  }
  return variables;
}

async function prepareMounts(
  solver: Solver,
  { op, inputs }: ExecWork,
  id: string,
  { held, keys }: { held: AsyncDisposableStack; keys: StepKeys },
): Promise<StepMount[]> {
  const { deps } = solver;
  const mounts: StepMount[] = [];
  let views = 0;
  held.defer(() => deps.views.close(id, views));
  const addFile = (place: Pick<StepMount, 'target' | 'size'>, source: string | undefined) => {
    if (source !== undefined) mounts.push({ ...place, kind: 'bind', source, readOnly: true });
  };
  for (const mount of op.mounts) {
    if (mount.dest === '/') continue;
    if (mount.output >= 0n) throw notImplemented('a mount of a build step that is a result');
    const place = { target: mount.dest, readOnly: mount.readonly, size: 0 };
    switch (mount.mountType) {
      case MountType.TMPFS:
        mounts.push({ ...place, kind: 'tmpfs', source: '', size: Number(mount.TmpfsOpt?.size ?? 0n) });
        break;
      case MountType.SECRET:
        if (mount.secretOpt) addFile(place, await keys.file(mount.secretOpt));
        break;
      case MountType.SSH:
        if (mount.SSHOpt) addFile(place, await keys.agent(mount.SSHOpt));
        break;
      case MountType.CACHE:
        mounts.push({ ...place, kind: 'bind', source: await holdCache(solver, mount, inputs, held) });
        break;
      default: {
        const input = mount.input < 0n ? emptyResult : inputs[Number(mount.input)]!;
        const root = await deps.views.open(id, views++, input, { writable: !mount.readonly });
        mounts.push({ ...place, kind: 'bind', source: below(root, mount.selector) });
      }
    }
  }
  return mounts;
}

/** No link leads out of what is mounted. */
function below(root: string, selector: string): string {
  using directory = openRoot(root);
  const found = resolveInRoot(directory, selector || '/');
  if (found === undefined) throw new MissingPathError(selector, 'mount', 'mount');
  return found;
}

const sharings = {
  [CacheSharingOpt.SHARED]: 'shared',
  [CacheSharingOpt.PRIVATE]: 'private',
  [CacheSharingOpt.LOCKED]: 'locked',
} as const;

async function holdCache(
  solver: Solver,
  { cacheOpt, dest, input, selector }: Mount,
  inputs: readonly Result[],
  held: AsyncDisposableStack,
): Promise<string> {
  const { deps, options } = solver;
  const sharing = sharings[(cacheOpt?.sharing ?? CacheSharingOpt.SHARED) as keyof typeof sharings] ?? 'shared';
  const mount = await deps.cacheMounts.hold(cacheOpt?.ID || dest, sharing, async (directory) => {
    mkdirSync(directory, { recursive: true, mode: 0o755 });
    if (input < 0n) return;
    await using workspace = solver.workspace();
    const tree = locationOf(deps.dataRoot, inputs[Number(input)]!);
    const selection = {
      path: byteName(selector || '/'),
      wildcard: false,
      followLinks: true,
      includePatterns: [],
      excludePatterns: [],
    };
    await deps.workers.run('flatten', { tree, workspace: workspace.path, selection, to: directory }, options.signal);
  });
  held.defer(() => mount.release());
  return mount.path;
}

function proxyVariables(proxy: NonNullable<ExecOp['meta']>['proxyEnv']): string[] {
  if (!proxy) return [];
  const entries = {
    HTTP_PROXY: proxy.httpProxy,
    HTTPS_PROXY: proxy.httpsProxy,
    FTP_PROXY: proxy.ftpProxy,
    NO_PROXY: proxy.noProxy,
    ALL_PROXY: proxy.allProxy,
  };
  return Object.entries(entries).flatMap(([name, value]) =>
    value === '' ? [] : [`${name}=${value}`, `${name.toLowerCase()}=${value}`],
  );
}
