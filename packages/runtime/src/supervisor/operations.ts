import { createContainer } from './create.ts';
import { execInContainer } from './exec.ts';
import { killProcess } from './kill.ts';
import { processState } from './managed-process.ts';
import { type Call, protocolVersion } from './protocol.ts';
import { resizeProcess } from './resize.ts';
import { startContainer } from './start.ts';
import type { SupervisorDeps } from './supervisor-deps.ts';
import { deleteContainer } from './teardown.ts';

/** The operations that concern processes; those that concern the connection or the program itself are the server's. */
export type ProcessCall = Exclude<Call, { op: 'subscribe' | 'upgrade' | 'stop' }>;

/** Carries out one call and gives its answer. */
export async function carryOut(deps: SupervisorDeps, call: ProcessCall): Promise<unknown> {
  const { processes, exits, children } = deps;
  switch (call.op) {
    case 'create':
      return children.during(() => createContainer(deps, call.request));
    case 'start':
      return children.during(() => startContainer(deps, call.request.id));
    case 'exec':
      return children.during(() => execInContainer(deps, call.request));
    case 'kill':
      return killProcess(deps, call.request);
    case 'resize':
      return resizeProcess(deps, call.request);
    case 'list':
      await Promise.allSettled(processes.all().map(({ making }) => making));
      return processes.all().map(processState);
    case 'delete':
      return children.during(() => deleteContainer(deps, call.request.id));
    case 'drained':
      return processes.get(call.request.id)?.stdio.whenDrained();
    case 'delivered':
      return deps.forwarder.delivered(call.request.id, call.request.patience);
    case 'ping':
      return { pid: process.pid, version: protocolVersion };
    case 'acknowledge': {
      const { id, execId } = call.request;
      if (processes.get(id, execId)?.status === 'exited') processes.remove({ id, execId });
      exits.remove(id, execId);
      return null;
    }
  }
}
