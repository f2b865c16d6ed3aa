import { cgroupDirectories, signalCgroups } from '@wharf/sys/cgroup';
import { signalPidfd } from '@wharf/sys/pidfd';
import { signalChild } from '@wharf/sys/process';
import { noSuchProcess, notRunning } from './make-process.ts';
import type { ManagedProcess } from './managed-process.ts';
import type { Operations } from './protocol.ts';
import type { SupervisorDeps } from './supervisor-deps.ts';

/** Signals one process, or every process of a container. */
export function killProcess(
  { processes, cgroups }: Pick<SupervisorDeps, 'processes' | 'cgroups'>,
  { id, execId, signal, all }: Operations['kill']['request'],
): void {
  const process = processes.get(id, execId);
  if (!process) throw noSuchProcess(id, execId);
  if (process.status === 'exited' || process.pid === 0) throw notRunning(id);
  if (all && process.cgroups) signalCgroups(cgroupDirectories(process.cgroups, cgroups.layout), signal);
  else if (!signalProcess(process, signal)) throw notRunning(id);
}

/** False if it is gone. */
export function signalProcess({ pid, pidfd }: ManagedProcess, signal: number): boolean {
  if (pidfd !== undefined) return signalPidfd(pidfd, signal);
  return signalChild(pid, signal);
}
