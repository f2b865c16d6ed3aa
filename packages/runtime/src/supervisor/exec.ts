import { rmSync, writeFileSync } from 'node:fs';
import { conflict } from '@wharf/base/error';
import { execCommand } from '../oci-runtime.ts';
import { execDirectly, type MadeProcess } from './exec-directly.ts';
import { awaitExit } from './exit.ts';
import { makeProcess, notRunning, programOf } from './make-process.ts';
import type { ManagedProcess } from './managed-process.ts';
import { Stdio } from './stdio.ts';
import type { ExecProcess } from './supervisor.ts';
import type { SupervisorDeps } from './supervisor-deps.ts';

/** One more process in a running container. */
export async function execInContainer(deps: SupervisorDeps, request: ExecProcess): Promise<{ pid: number }> {
  const { processes } = deps;
  const { id, execId, runtime, io } = request;
  if (processes.get(id, execId)) throw conflict(`exec ${execId} exists already`);
  const stdio = processes.takePending(id, execId) ?? new Stdio(deps.stdio);
  const process: ManagedProcess = {
    id,
    execId,
    runtime,
    bundle: undefined,
    stdio,
    log: { driver: 'none' },
    status: 'created',
    pid: 0,
    pidfd: undefined,
    cgroups: undefined,
    exit: undefined,
    begun: undefined,
    making: undefined,
    exitListeners: [],
  };
  try {
    const container = processes.get(id);
    if (container?.status !== 'running') throw notRunning(id);
    processes.add(process);
    const making = execDirectly(deps, container, request).then((made) => made ?? execByRuntime(deps, request));
    process.making = making;
    const { pid, descriptors } = await making;
    process.making = undefined;
    process.pid = pid;
    process.status = 'running';
    stdio.open({ io, log: undefined, ...descriptors });
    if (io.size) stdio.resize(io.size);
    awaitExit(deps, process);
    stdio.begin();
    return { pid };
  } catch (error) {
    processes.remove(process);
    stdio.abandon();
    throw error;
  }
}

async function execByRuntime(deps: SupervisorDeps, request: ExecProcess): Promise<MadeProcess> {
  const { id, runtime, io } = request;
  const processFile = `${deps.scratchFiles.directory}/${deps.scratchFiles.next()}.json`;
  try {
    writeFileSync(processFile, JSON.stringify(withConsoleSize(request)), { mode: 0o600 });
    return await makeProcess(deps, {
      action: 'exec',
      runtime,
      io,
      command: (call) => execCommand(runtime, call, processFile, id),
      program: () => programOf(request.process),
    });
  } finally {
    rmSync(processFile, { force: true });
  }
}

/** It runs before its terminal reaches us: its size has to be there from the start. */
function withConsoleSize({ process, io }: ExecProcess): object {
  if (!io.tty || !io.size) return process;
  return { consoleSize: { height: io.size.rows, width: io.size.columns }, ...process };
}
