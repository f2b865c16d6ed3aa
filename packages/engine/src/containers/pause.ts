import { setTimeout as delay } from 'node:timers/promises';
import { EngineError, isErrorCode } from '@wharf/base/error';
import { freezeCgroup } from '@wharf/sys/cgroup';
import { isAlive } from '@wharf/sys/process-state';
import type { ContainerDeps } from '../engine-deps.ts';
import { notRunning } from './container-errors.ts';
import type { ContainerRecord } from './container-record.ts';
import { requireAllowed } from './container-state.ts';
import { publishContainer } from './publish.ts';

type PauseDeps = Pick<ContainerDeps, 'containers' | 'locks' | 'events' | 'health'>;

/** Freezes every process of the container by its cgroup. */
export async function pauseContainer(deps: PauseDeps, idOrName: string): Promise<void> {
  const { id } = deps.containers.find(idOrName);
  await deps.locks.run(id, async () => {
    const record = deps.containers.find(id);
    requireAllowed('pause', record);
    await freeze(record, true);
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

/** Lets a frozen container run again; one whose process has been killed needs it no more. */
export async function thaw(
  { containers, events }: Pick<PauseDeps, 'containers' | 'events'>,
  id: string,
): Promise<void> {
  const record = containers.get(id);
  if (record?.state.status !== 'paused') return;
  try {
    await freeze(record, false);
  } catch (error) {
    if (isErrorCode(error, 'conflict')) return;
    throw error;
  }
  const now = containers.get(id);
  if (now?.state.status !== 'paused') return;
  publishContainer(events, containers.updateState(id, { status: 'running' }), 'unpause');
}

/** Conflict where the container's process has just ended: its exit is being reported then. */
async function freeze({ id, state }: ContainerRecord, frozen: boolean): Promise<void> {
  try {
    await freezeCgroup(state.pid, frozen);
  } catch (cause) {
    if (await isEnding(state.pid)) throw notRunning(id);
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new EngineError('internal', `cannot ${frozen ? 'pause' : 'unpause'} container ${id}: ${why}`, { cause });
  }
}

/** A process leaves its cgroup a moment before it is seen to have ended. */
async function isEnding(pid: number): Promise<boolean> {
  if (isAlive(pid)) await delay(20);
  return !isAlive(pid);
}
