import { oomKills } from '@wharf/sys/cgroup';
import { closeDescriptor } from '@wharf/sys/descriptor';
import { openPidfd } from '@wharf/sys/pidfd';
import { readable } from '@wharf/sys/reactor';
import { now } from '../logs/json-file-writer.ts';
import type { ManagedProcess } from './managed-process.ts';
import type { ProcessExit } from './supervisor.ts';
import type { SupervisorDeps } from './supervisor-deps.ts';

/** dockerd's code for a process of which nobody saw the end. */
const unknownExit = 255;

type ExitDeps = Pick<SupervisorDeps, 'reactor' | 'exits' | 'publish' | 'warn' | 'children'>;

/** Waits for a process that is our child. It may have exited already. */
export function awaitExit(deps: ExitDeps, process: ManagedProcess): void {
  deps.children.expect(process.pid, (exitCode) => recordExit(deps, process, exitCode));
}

/** Waits for a container whose supervisor was killed: it is nobody's child, and its code is lost. Throws ESRCH. */
export function awaitAdopted(deps: ExitDeps, process: ManagedProcess): void {
  const pidfd = openPidfd(process.pid);
  process.pidfd = pidfd;
  followAdopted(deps, process, pidfd);
}

export function followAdopted(deps: ExitDeps, process: ManagedProcess, pidfd: number): void {
  deps.reactor.watch(pidfd, readable, () => {
    deps.reactor.unwatch(pidfd);
    closeDescriptor(pidfd);
    process.pidfd = undefined;
    recordExit(deps, process, unknownExit);
  });
}

/** On disk first, then told. */
export function recordExit(deps: ExitDeps, process: ManagedProcess, exitCode: number = unknownExit): void {
  const { id, execId } = process;
  const exit: ProcessExit = {
    id,
    ...(execId !== undefined && { execId }),
    pid: process.pid,
    exitCode,
    exitedAt: now(),
    oomKilled: execId === undefined && wasOutOfMemory(process),
  };
  process.exit = exit;
  process.status = 'exited';
  forgetBeginning(process);
  try {
    deps.exits.write(exit);
  } catch (error) {
    deps.warn(`recording the exit of ${id}`, error);
  }
  process.stdio.exited();
  deps.publish(exit);
  for (const listener of process.exitListeners.splice(0)) listener();
}

/** It ended without having been started. */
function forgetBeginning(process: ManagedProcess): void {
  if (process.begun !== undefined) closeDescriptor(process.begun);
  process.begun = undefined;
}

function wasOutOfMemory({ cgroups }: ManagedProcess): boolean {
  try {
    return cgroups !== undefined && oomKills(cgroups) > 0;
  } catch {
    return false;
  }
}
