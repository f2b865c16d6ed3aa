import { conflict } from '@wharf/base/error';
import { closeDescriptor, createPipe } from '@wharf/sys/descriptor';
import { createCommand } from '../oci-runtime.ts';
import { deliverLog } from './deliver-log.ts';
import { awaitExit } from './exit.ts';
import { makeProcess, programOfBundle } from './make-process.ts';
import type { ManagedProcess } from './managed-process.ts';
import { openLog } from './process-io.ts';
import { Stdio } from './stdio.ts';
import type { CreateProcess } from './supervisor.ts';
import type { SupervisorDeps } from './supervisor-deps.ts';
import { clearCgroupsOfBundle } from './teardown.ts';

export async function createContainer(deps: SupervisorDeps, request: CreateProcess): Promise<{ pid: number }> {
  const { processes, containers, exits, cgroups } = deps;
  const { id, bundle, runtime, io } = request;
  if (processes.get(id)) throw conflict(`container ${id} exists already`);
  const stdio = processes.takePending(id, undefined) ?? new Stdio(deps.stdio);
  try {
    const log = openLog(deps, request.log);
    const process: ManagedProcess = {
      id,
      execId: undefined,
      runtime,
      bundle,
      stdio,
      log: request.log,
      status: 'created',
      pid: 0,
      pidfd: undefined,
      cgroups: undefined,
      exit: undefined,
      begun: undefined,
      making: undefined,
      exitListeners: [],
    };
    processes.add(process);
    const begun = runtime.name === 'crun' ? createPipe() : undefined;
    try {
      const making = makeProcess(deps, {
        action: 'create',
        ...(begun && { kept: begun.write }),
        runtime,
        io,
        command: (call) => createCommand(runtime, call, bundle, id),
        program: () => programOfBundle(bundle),
      });
      process.making = making;
      const { pid, descriptors } = await making;
      process.making = undefined;
      process.pid = pid;
      process.begun = begun?.read;
      if (begun) closeDescriptor(begun.write);
      process.cgroups = cgroups.of(pid);
      deliverLog(deps, process);
      stdio.open({ io, log, ...descriptors });
      if (io.size) stdio.resize(io.size);
      exits.remove(id, undefined);
      containers.write(process);
      awaitExit(deps, process);
      stdio.begin();
      return { pid };
    } catch (error) {
      for (const fd of Object.values(begun ?? {})) closeDescriptor(fd);
      processes.remove(process);
      log?.close();
      await clearCgroupsOfBundle(deps, request);
      throw error;
    }
  } catch (error) {
    stdio.abandon();
    throw error;
  }
}
