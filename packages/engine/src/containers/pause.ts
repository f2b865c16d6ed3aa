import { setTimeout as delay } from 'node:timers/promises';
import { EngineError, isErrorCode } from '@wharf/base/error';
import { type CgroupLayout, freezeCgroup, isFrozen } from '@wharf/sys/cgroup';
import { isAlive } from '@wharf/sys/process-state';
import type { ContainerDeps } from '../engine-deps.ts';
import { notRunning } from './container-errors.ts';
import type { ContainerRecord } from './container-record.ts';
import { requireAllowed } from './container-state.ts';
import { publishContainer } from './publish.ts';

type PauseDeps = Pick<ContainerDeps, 'containers' | 'locks' | 'events' | 'health' | 'fault'>;

/** Freezes every process of the container by its cgroup. */
export async function pauseContainer(
  deps: PauseDeps,
  idOrName: string,
  { forCommit = false }: { forCommit?: boolean } = {},
): Promise<void> {
  const { id } = deps.containers.find(idOrName);
  await deps.locks.run(id, async () => {
    const record = deps.containers.find(id);
    requireAllowed('pause', record);
    deps.fault('pause.freeze');
    await freeze(record, true);
    deps.fault('pause.record');
    const paused = deps.containers.updateState(id, { status: 'paused' }, { pausedForCommit: forCommit });
    publishContainer(deps.events, paused, 'pause');
    deps.fault('pause.answer');
  });
}

export async function unpauseContainer(deps: PauseDeps, idOrName: string): Promise<void> {
  const { id } = deps.containers.find(idOrName);
  await deps.locks.run(id, async () => {
    requireAllowed('unpause', deps.containers.find(id));
    deps.fault('unpause.thaw');
    await thaw(deps, id);
  });
}

/** Lets a frozen container run again; one whose process has been killed needs it no more. */
export async function thaw(
  { containers, events, fault }: Pick<PauseDeps, 'containers' | 'events' | 'fault'>,
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
  fault('unpause.record');
  const now = containers.get(id);
  if (now?.state.status !== 'paused') return;
  publishContainer(events, containers.updateState(id, { status: 'running' }, { pausedForCommit: false }), 'unpause');
}

/**
 * A daemon that died between the kernel's state and its own record. What nobody was told never happened: only a pause
 * that is on record stays.
 */
export async function settlePause(
  deps: Pick<PauseDeps, 'containers' | 'events' | 'fault'>,
  id: string,
  layout: CgroupLayout,
): Promise<void> {
  const record = deps.containers.get(id);
  if (!record) return;
  const { state } = record;
  const frozen = isFrozen(state.pid, layout);
  if (state.status === 'paused' && (record.pausedForCommit || !frozen)) await thaw(deps, id);
  if (state.status === 'running' && frozen) await freeze(record, false);
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
