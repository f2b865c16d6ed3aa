import { EngineError } from '@wharf/base/error';
import { freezeCgroup } from '@wharf/sys/cgroup';
import { hasErrno } from '@wharf/sys/errno';
import type { ContainerDeps } from '../engine-deps.ts';
import { requireAllowed } from './container-state.ts';
import { publishContainer } from './publish.ts';

type PauseDeps = Pick<ContainerDeps, 'containers' | 'locks' | 'events' | 'health'>;

/** Freezes every process of the container by its cgroup. */
export async function pauseContainer(deps: PauseDeps, idOrName: string): Promise<void> {
  const { id } = deps.containers.find(idOrName);
  await deps.locks.run(id, async () => {
    const record = deps.containers.find(id);
    requireAllowed('pause', record);
    await freeze(record.state.pid, true, `cannot pause container ${id}`);
    publishContainer(deps.events, deps.containers.updateState(id, { status: 'paused' }), 'pause');
  });
}

export async function unpauseContainer(deps: PauseDeps, idOrName: string): Promise<void> {
  const { id } = deps.containers.find(idOrName);
  await deps.locks.run(id, async () => {
    requireAllowed('unpause', deps.containers.find(id));
    await thaw(deps, id);
  });
}

/** Lets a frozen container run again. */
export async function thaw(
  { containers, events }: Pick<PauseDeps, 'containers' | 'events'>,
  id: string,
): Promise<void> {
  const record = containers.get(id);
  if (record?.state.status !== 'paused') return;
  await freeze(record.state.pid, false, `cannot unpause container ${id}`);
  const now = containers.get(id);
  if (now?.state.status !== 'paused') return;
  publishContainer(events, containers.updateState(id, { status: 'running' }), 'unpause');
}

async function freeze(pid: number, frozen: boolean, what: string): Promise<void> {
  try {
    await freezeCgroup(pid, frozen);
  } catch (cause) {
    // On cgroup v2 a kill ends frozen processes too: then there is nothing left to thaw.
    if (!frozen && (hasErrno(cause, 'ENOENT') || hasErrno(cause, 'ESRCH'))) return;
    throw new EngineError('internal', `${what}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}
