import type { Operations } from './protocol.ts';
import { Stdio } from './stdio.ts';
import type { SupervisorDeps } from './supervisor-deps.ts';

/** Sets a pty's window size now, or when the process comes into being. */
export function resizeProcess(
  { processes, stdio }: Pick<SupervisorDeps, 'processes' | 'stdio'>,
  { id, execId, size }: Operations['resize']['request'],
): void {
  stdioFor({ processes, stdio }, id, execId).resize(size);
}

/** The stdio of the process that runs, or of the one that is to come. */
export function stdioFor(
  { processes, stdio }: Pick<SupervisorDeps, 'processes' | 'stdio'>,
  id: string,
  execId: string | undefined,
): Stdio {
  const present = processes.get(id, execId);
  // After its exit a container may be attached to for its next run.
  if (present && (present.status !== 'exited' || !present.stdio.drained)) return present.stdio;
  return processes.pending(id, execId, () => new Stdio(stdio));
}
