import { publishContainer } from '../containers/publish.ts';
import type { ContainerDeps } from '../engine-deps.ts';

type FinishDeps = Pick<ContainerDeps, 'execs' | 'containers' | 'events'>;

/** An exec's process has ended, or its container has. Idempotent. */
export function finishExec({ execs, containers, events }: FinishDeps, execId: string, exitCode: number): void {
  const exec = execs.get(execId);
  if (!exec || exec.status === 'exited') return;
  execs.put({ ...exec, status: 'exited', pid: 0, exitCode });
  const container = containers.get(exec.containerId);
  if (!container || exec.status === 'created') return;
  publishContainer(events, container, 'exec_die', { execID: execId, exitCode: String(exitCode) });
}
