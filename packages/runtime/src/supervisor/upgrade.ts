import { readFileSync, writeSync } from 'node:fs';
import { closeDescriptor, setCloseOnExec } from '@wharf/sys/descriptor';
import { check } from '@wharf/sys/errno';
import { replaceProgram } from '@wharf/sys/process';
import { cString, syscall } from '@wharf/sys/syscall';
import type { ContainerRecord } from './container-records.ts';
import { restoreCgroups, saveCgroups } from './container-records.ts';
import { endWithOutput } from './deliver-log.ts';
import { awaitExit, followAdopted } from './exit.ts';
import type { SavedRun } from './log-forwarder.ts';
import type { ManagedProcess } from './managed-process.ts';
import { openLog } from './process-io.ts';
import type { SupervisorServer, UpgradeAnswer } from './server.ts';
import { Stdio, type StdioState } from './stdio.ts';
import type { SupervisorDeps } from './supervisor-deps.ts';

/** Everything that a supervisor hands to the program that takes its place, descriptors by their numbers. */
export interface SavedSupervisor {
  readonly listener: number;
  readonly lock: number;
  readonly answer: UpgradeAnswer;
  readonly server: ReturnType<SupervisorServer['save']>;
  readonly processes: readonly SavedProcess[];
  readonly deliveries: readonly SavedRun[];
  readonly pending: readonly { id: string; execId?: string; stdio: StdioState }[];
}

type SavedProcess = Omit<ManagedProcess, 'stdio' | 'cgroups' | 'making' | 'exitListeners'> & {
  readonly stdio: StdioState;
  readonly cgroups: ContainerRecord['cgroups'] | undefined;
};

export function saveProcesses({
  processes,
  forwarder,
}: SupervisorDeps): Pick<SavedSupervisor, 'processes' | 'pending' | 'deliveries'> {
  return {
    processes: processes.all().map(({ stdio, cgroups, making: _, exitListeners: __, ...rest }) => ({
      ...rest,
      stdio: stdio.save(),
      cgroups: cgroups && saveCgroups(cgroups),
    })),
    deliveries: forwarder.save(),
    pending: processes.allPending().map(({ id, execId, stdio }) => ({
      id,
      ...(execId !== undefined && { execId }),
      stdio: stdio.save(),
    })),
  };
}

export function restoreProcesses(
  deps: SupervisorDeps,
  saved: Pick<SavedSupervisor, 'processes' | 'pending' | 'deliveries'>,
): void {
  // An older program's has none.
  deps.forwarder.restore(saved.deliveries ?? []);
  for (const { stdio: state, cgroups, ...rest } of saved.processes) {
    const stdio = new Stdio(deps.stdio);
    const process: ManagedProcess = {
      ...rest,
      stdio,
      cgroups: cgroups && restoreCgroups(cgroups),
      begun: undefined,
      making: undefined,
      exitListeners: [],
    };
    deps.processes.add(process);
    const open = state.outputs.length > 0;
    stdio.restore(state, open ? openLog(deps, process.log, state.logPosition) : undefined);
    if (open && process.log.driver === 'forward') endWithOutput(deps, process, stdio.whenDrained());
    if (open) stdio.begin();
    if (process.pidfd !== undefined) followAdopted(deps, process, process.pidfd);
    else if (process.status !== 'exited') awaitExit(deps, process);
  }
  for (const { id, execId, stdio } of saved.pending) {
    deps.processes.pending(id, execId, () => new Stdio(deps.stdio)).restore(stdio, undefined);
  }
}

/** Executes the new program in place of this one. Throws if that is not possible; then nothing has changed. */
export function handOver(command: readonly string[], args: readonly string[], saved: SavedSupervisor): never {
  const memory = check(syscall('memfd_create', cString('supervisor'), 0), 'make a file in memory');
  const descriptors = [saved.listener, saved.lock, ...descriptorsOf(saved)];
  try {
    const bytes = Buffer.from(JSON.stringify(saved));
    for (let at = 0; at < bytes.length; ) at += writeSync(memory, bytes, at);
    for (const fd of descriptors) setCloseOnExec(fd, false);
    const environment = Object.fromEntries(Object.entries(process.env).map(([name, value]) => [name, value ?? '']));
    return replaceProgram([...command, ...args, '--resume', String(memory)], environment);
  } catch (error) {
    for (const fd of descriptors) setCloseOnExec(fd, true);
    closeDescriptor(memory);
    throw error;
  }
}

/** What the program before this one handed over. Takes its descriptors: they are close-on-exec again. */
export function takeOver(memory: number): SavedSupervisor {
  const saved = JSON.parse(readFileSync(`/proc/self/fd/${memory}`, 'utf8')) as SavedSupervisor;
  closeDescriptor(memory);
  for (const fd of [saved.listener, saved.lock, ...descriptorsOf(saved)]) setCloseOnExec(fd, true);
  return saved;
}

function descriptorsOf({ server, processes, pending }: SavedSupervisor): number[] {
  const ofStdio = ({ outputs, stdin, attachments }: StdioState) => [
    ...outputs.map(({ fd }) => fd),
    ...(stdin ? [stdin.fd] : []),
    ...attachments.map(({ fd }) => fd),
  ];
  return [
    ...server.connections.map(({ fd }) => fd),
    ...processes.flatMap(({ pidfd, stdio }) => [...(pidfd === undefined ? [] : [pidfd]), ...ofStdio(stdio)]),
    ...pending.flatMap(({ stdio }) => ofStdio(stdio)),
  ];
}
