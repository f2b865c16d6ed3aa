import { EngineError } from '@wharf/base/error';
import { type IdMapping, type Owner, toHostId } from '@wharf/base/id-mapping';
import type { OciUser } from '@wharf/oci/runtime-spec';
import { cgroupDirectories } from '@wharf/sys/cgroup';
import { closeDescriptor, createPipe, duplicateDescriptor, readDescriptor, wouldBlock } from '@wharf/sys/descriptor';
import { chownFile } from '@wharf/sys/file';
import { openPidfd } from '@wharf/sys/pidfd';
import { spawnProcess } from '@wharf/sys/process';
import { openProgramFile } from '@wharf/sys/program/program-file';
import { openTerminalInRoot, setWindowSize } from '@wharf/sys/pty';
import { type Reactor, readable } from '@wharf/sys/reactor';
import { openRoot } from '@wharf/sys/safe-path';
import { createJoinProgram, type JoinPlan } from '../direct-exec/join-program.ts';
import { isPlainProcess } from '../direct-exec/plain-process.ts';
import { parseReport, type Report } from '../direct-exec/reporting-program.ts';
import type { ManagedProcess } from './managed-process.ts';
import { type PreparedIo, preparePipes } from './process-io.ts';
import type { Opened } from './stdio.ts';
import type { ExecProcess } from './supervisor.ts';
import type { SupervisorDeps } from './supervisor-deps.ts';

type DirectDeps = Pick<SupervisorDeps, 'joinable' | 'cgroups' | 'nullDevices' | 'reactor' | 'children' | 'warn'>;

export interface MadeProcess {
  readonly pid: number;
  readonly descriptors: Omit<Opened, 'io' | 'log'>;
}

/**
 * Runs one more process in a container without its OCI runtime, by a program that joins the container itself. Undefined
 * where that cannot be done or did not come to an end: then nothing has been executed, and the runtime does it, or says
 * why not in the words that clients know.
 */
export async function execDirectly(
  deps: DirectDeps,
  container: ManagedProcess,
  request: ExecProcess,
): Promise<MadeProcess | undefined> {
  let prepared: PreparedIo | undefined;
  try {
    const plan = planJoin(deps, container, request);
    if (!plan) return undefined;
    prepared = prepareIo(deps, container, request, plan);
    const { pid, failure } = await join(deps, container, plan, prepared);
    if (failure) {
      noteMissingFeature(deps, failure);
      prepared.cancel();
      return undefined;
    }
    // Whether something has been executed is not known, so it must not be done again.
    if (pid === undefined) throw new EngineError('internal', 'OCI runtime exec failed: exec failed: killed: unknown');
    return { pid, descriptors: prepared.finish() };
  } catch (error) {
    prepared?.cancel();
    if (error instanceof EngineError) throw error;
    // Most often the container has just ended.
    if (!(error instanceof Error && 'code' in error)) deps.warn('executing without the runtime', error);
    return undefined;
  }
}

function planJoin(
  { joinable, cgroups }: DirectDeps,
  container: ManagedProcess,
  { process }: ExecProcess,
): DirectPlan | undefined {
  if (!container.cgroups || !isPlainProcess(process)) return undefined;
  const found = joinable.find(container);
  const owner = found && ownerOnHost(found.idMapping, process.user);
  if (!found || !owner) return undefined;
  const directories = cgroupDirectories(container.cgroups, cgroups.layout);
  const { v2 } = container.cgroups;
  const { oomScoreAdj } = process;
  return {
    process,
    taskFiles: directories.filter((directory) => directory !== v2).map((directory) => `${directory}/tasks`),
    unified: v2 !== undefined && directories.includes(v2),
    seccomp: found.filter,
    remapped: found.idMapping !== undefined,
    owner,
    lastCapability: joinable.lastCapability,
    oomScoreAdj: oomScoreAdj === joinable.oomScoreAdj ? undefined : oomScoreAdj,
  };
}

interface DirectPlan extends JoinPlan {
  /** Whom its user is on the host. */
  readonly owner: Owner;
}

/** Undefined for a user that the container cannot have: the runtime says so. */
function ownerOnHost(idMapping: IdMapping | undefined, { uid, gid }: OciUser): Owner | undefined {
  if (!idMapping) return { uid, gid };
  const owner = { uid: toHostId(idMapping.uids, uid), gid: toHostId(idMapping.gids, gid) };
  return owner.uid === undefined || owner.gid === undefined ? undefined : { uid: owner.uid, gid: owner.gid };
}

/** The process' user owns its stdio, and so may open it again by /dev/stdout. */
function prepareIo(deps: DirectDeps, { pid }: ManagedProcess, { io }: ExecProcess, { owner }: DirectPlan): PreparedIo {
  const sameGroup = -1;
  if (!io.tty) {
    const prepared = preparePipes(deps, io);
    if (owner.uid !== 0) for (const fd of prepared.child) chownFile(fd, owner.uid, owner.gid);
    return prepared;
  }
  using root = openRoot(`/proc/${pid}/root`);
  const { master, slave } = openTerminalInRoot(root);
  if (io.size) setWindowSize(master, io.size);
  if (owner.uid !== 0) chownFile(slave, owner.uid, sameGroup);
  return {
    child: [slave, slave, slave],
    consoleSocket: undefined,
    finish() {
      closeDescriptor(slave);
      return { outputs: [{ fd: master, stream: 'stdout' }], stdin: duplicateDescriptor(master) };
    },
    cancel() {
      closeDescriptor(slave);
      closeDescriptor(master);
    },
  };
}

async function join(
  { reactor, children }: DirectDeps,
  { pid, pidfd, cgroups }: ManagedProcess,
  plan: JoinPlan,
  { child }: PreparedIo,
): Promise<Report> {
  const { elf, names } = createJoinProgram(plan);
  const report = createPipe();
  try {
    using file = openProgramFile(elf);
    // The pid of a container that another supervisor made may be somebody else's by now.
    using container = pidfd === undefined ? ownPidfd(pid) : undefined;
    using cgroup = plan.unified ? openRoot(cgroups!.v2!) : undefined;
    const stdio = [...child, report.write, pidfd ?? container!.fd, ...(cgroup ? [cgroup.fd] : [])];
    // Reaped without a word: it tells by its report, and the process that it makes is another.
    children.expect(spawnProcess({ command: [file.path], name: 'wharf-exec', stdio }), () => {});
  } catch (error) {
    closeDescriptor(report.read);
    throw error;
  } finally {
    closeDescriptor(report.write);
  }
  return readReport(reactor, report.read, names);
}

function ownPidfd(pid: number): Disposable & { fd: number } {
  const fd = openPidfd(pid);
  return { fd, [Symbol.dispose]: () => closeDescriptor(fd) };
}

/** Until it is whole or nobody can write any more: a program in a frozen container may take its time. */
function readReport(reactor: Reactor, fd: number, names: readonly string[]): Promise<Report> {
  let bytes = Buffer.alloc(0);
  return new Promise((resolve) => {
    reactor.watch(fd, readable, () => {
      const chunk = Buffer.alloc(1024);
      const length = readDescriptor(fd, chunk);
      if (length === wouldBlock) return;
      if (length > 0) bytes = Buffer.concat([bytes, chunk.subarray(0, length)]);
      const report = parseReport(bytes, names);
      if (length > 0 && !report.whole) return;
      reactor.unwatch(fd);
      closeDescriptor(fd);
      resolve(report);
    });
  });
}

/** A kernel or a host that lacks what it takes lacks it for every container. */
function noteMissingFeature({ joinable, warn }: DirectDeps, failure: NonNullable<Report['failure']>): void {
  const ENOSYS = 38;
  const EINVAL = 22;
  const { step, errno } = failure;
  if (errno !== ENOSYS && errno !== EINVAL) return;
  if (step !== 'cgroup' && step !== 'namespaces' && step !== 'descriptors') return;
  joinable.supported = false;
  warn('executing without the runtime', new Error(`this host does not support it: ${step}, errno ${errno}`));
}
