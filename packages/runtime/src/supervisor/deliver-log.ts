import type { ManagedProcess } from './managed-process.ts';
import type { SupervisorDeps } from './supervisor-deps.ts';

/** Has the log of a container delivered, where its driver does that, until its output has ended. */
export function deliverLog({ forwarder }: Pick<SupervisorDeps, 'forwarder'>, process: ManagedProcess): void {
  const { id, log, stdio } = process;
  if (log.driver !== 'forward') return;
  forwarder.begin(id, { path: log.path, forwarding: log.forwarding });
  endWithOutput({ forwarder }, process, stdio.whenDrained());
}

export function endWithOutput(
  { forwarder }: Pick<SupervisorDeps, 'forwarder'>,
  { id }: Pick<ManagedProcess, 'id'>,
  drained: Promise<void>,
): void {
  void drained.then(() => forwarder.end(id));
}
