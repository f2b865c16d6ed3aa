import { existsSync } from 'node:fs';
import { processStartTime } from '@wharf/sys/pidfd';
import { stateDirectory } from '../oci-runtime.ts';
import { type ContainerRecord, restoreCgroups } from './container-records.ts';
import { deliverLog } from './deliver-log.ts';
import { awaitAdopted, recordExit } from './exit.ts';
import type { ManagedProcess } from './managed-process.ts';
import { Stdio } from './stdio.ts';
import type { ProcessExit } from './supervisor.ts';
import type { SupervisorDeps } from './supervisor-deps.ts';

/**
 * Finds again what a supervisor that was killed left behind: exits that it recorded, and containers, whose
 * output has no reader any more and whose exit code nobody will see.
 */
export function adoptContainers(deps: SupervisorDeps): void {
  const { processes, containers, exits } = deps;
  for (const record of containers.readAll()) {
    const found = adopted(deps, record);
    processes.add(found);
    // Its output has no reader any more; what had one is delivered.
    deliverLog(deps, found);
  }
  for (const exit of exits.readAll()) {
    let known = processes.get(exit.id, exit.execId);
    if (!known) {
      known = exitedProcess(deps, exit);
      processes.add(known);
    }
    known.exit = exit;
    known.status = 'exited';
  }
  for (const found of processes.all()) if (found.status !== 'exited') followContainer(deps, found);
}

function adopted(deps: SupervisorDeps, record: ContainerRecord): ManagedProcess {
  const { id, pid, startTime, bundle, runtime, log, cgroups } = record;
  const waiting = existsSync(`${stateDirectory(runtime, id)}/exec.fifo`);
  const alive = startTime !== '' && processStartTime(pid) === startTime;
  return {
    ...exitedProcess(deps, { id }),
    bundle,
    runtime,
    log,
    cgroups: restoreCgroups(cgroups),
    pid: alive ? pid : 0,
    status: waiting ? 'created' : 'running',
  };
}

function exitedProcess(deps: SupervisorDeps, { id, execId }: Pick<ProcessExit, 'id' | 'execId'>): ManagedProcess {
  const stdio = new Stdio(deps.stdio);
  stdio.abandon();
  return {
    id,
    execId,
    runtime: undefined,
    bundle: undefined,
    stdio,
    log: { driver: 'none' },
    status: 'exited',
    pid: 0,
    pidfd: undefined,
    cgroups: undefined,
    exit: undefined,
    begun: undefined,
    making: undefined,
    exitListeners: [],
  };
}

function followContainer(deps: SupervisorDeps, found: ManagedProcess): void {
  try {
    if (found.pid !== 0) {
      awaitAdopted(deps, found);
      return;
    }
  } catch (error) {
    deps.warn(`finding container ${found.id} again`, error);
  }
  recordExit(deps, found);
}
