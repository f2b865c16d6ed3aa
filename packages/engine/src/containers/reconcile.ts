import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { shortId } from '@wharf/base/id';
import { timestamp, zeroTime } from '@wharf/base/timestamp';
import type { ProcessExit, ProcessState } from '@wharf/runtime/supervisor/supervisor';
import { readCgroupLayout } from '@wharf/sys/cgroup';
import { hasErrno } from '@wharf/sys/errno';
import type { ContainerDeps } from '../engine-deps.ts';
import type { ContainerRecord } from './container-record.ts';
import { isUp } from './container-state.ts';
import { handleExit, unknownExit, watchExits } from './exit.ts';
import { settlePause } from './pause.ts';
import { removeStopped } from './remove.ts';
import { unmountShm } from './shared-memory.ts';
import { startLocked } from './start.ts';

/**
 * Brings records, processes and disk together at the daemon's start, whatever instruction the last one died at.
 * Resolves when every answer is right; policies restart their containers, and leftovers go, behind it.
 */
export async function reconcileContainers(deps: ContainerDeps): Promise<void> {
  const { containers, supervisor, networking, snapshots } = deps;
  const processes = new Map<string, ProcessState>();
  for (const state of await supervisor.list()) if (state.execId === undefined) processes.set(state.id, state);

  const doomed = [...containers.everything()].filter(({ phase }) => phase === 'doomed');
  const ended: ProcessExit[] = [];
  for (const record of containers.values()) {
    const exit = adopt(deps, record, processes.get(record.id));
    if (exit) ended.push(exit);
  }
  for (const record of doomed) containers.delete(record.id);
  await settlePauses(deps);
  const records = [...containers.values()];
  const up = records.filter(({ state }) => isUp(state.status));
  await networking.reconcile(new Map(up.map(({ id, state }) => [id, state.pid])));
  watchExits(deps);
  for (const exit of ended) await handleExit(deps, exit);
  const owners = new Set([...containers.values()].map(({ id }) => id));
  await deps.volumes.reconcile(owners, new Set(up.map(({ id }) => id)));
  await snapshots.reconcile(owners);
  // A start that was cut short may have left the root mounted.
  for (const { id, state } of containers.values()) if (!isUp(state.status)) await snapshots.unmount(id);

  for (const { id } of processes.values()) if (!isOwned(containers.get(id))) sweepProcess(deps, id);
  for (const record of doomed) deps.teardowns.begin(record.id, () => removeAnonymousVolumes(deps, record));
  deps.teardowns.begin('directories', () => sweepDirectories(deps, owners));
  for (const record of containers.values()) if (!isUp(record.state.status)) await resume(deps, record);
}

async function settlePauses(deps: ContainerDeps): Promise<void> {
  const layout = readCgroupLayout();
  for (const { id, state } of [...deps.containers.values()]) {
    if (state.status !== 'running' && state.status !== 'paused') continue;
    try {
      await settlePause(deps, id, layout);
    } catch (error) {
      // Most often it has just ended.
      deps.logger.warn('Cannot tell whether a container is paused', { container: shortId(id), error });
    }
  }
}

/** A process of a container that is down, or of none, is a leftover. */
function isOwned(record: ContainerRecord | undefined): boolean {
  return record !== undefined && isUp(record.state.status);
}

/** Makes the record say what the supervisor knows. Answers the exit that the last daemon did not see. */
function adopt(
  { containers, health }: ContainerDeps,
  record: ContainerRecord,
  found: ProcessState | undefined,
): ProcessExit | undefined {
  const { id, state } = record;
  const wasUp = isUp(state.status);
  if (found?.status === 'running') {
    const status = state.status === 'paused' ? 'paused' : 'running';
    const startedAt = wasUp ? state.startedAt : timestamp();
    if (!wasUp || state.pid !== found.pid) containers.updateState(id, { status, pid: found.pid, startedAt });
    health.begin(record);
    return undefined;
  }
  if (!wasUp) return undefined;
  return found?.exit ?? { id, exitCode: unknownExit, exitedAt: timestamp(), oomKilled: false };
}

/** A container that is down: back up if its policy says so, gone if it was to go. */
async function resume(deps: ContainerDeps, record: ContainerRecord): Promise<void> {
  const { id, state, hostConfig } = record;
  if (state.startedAt === zeroTime || deps.restarts.isScheduled(id)) return;
  if (hostConfig.AutoRemove) {
    await deps.locks.run(id, () => removeStopped(deps, record, { volumes: true }));
    return;
  }
  const delay = deps.restarts.nextDelay(id, hostConfig.RestartPolicy, {
    exitCode: state.exitCode,
    restartCount: record.restartCount,
    manuallyStopped: record.manuallyStopped,
    runMilliseconds: 0,
  });
  if (delay !== undefined) void restartAtBoot(deps, id);
  else if (state.status === 'restarting') deps.containers.updateState(id, { status: 'exited' });
}

async function restartAtBoot(deps: ContainerDeps, id: string): Promise<void> {
  try {
    await deps.locks.run(id, async () => {
      const record = deps.containers.get(id);
      if (record && !isUp(record.state.status)) await startLocked(deps, record, 'policy');
    });
  } catch (error) {
    deps.logger.error('starting a container by its restart policy', { container: shortId(id), error });
  }
}

function sweepProcess({ supervisor, teardowns, config }: ContainerDeps, id: string): void {
  teardowns.begin(id, async () => {
    await supervisor.delete(id);
    await unmountShm(config, id);
  });
}

async function removeAnonymousVolumes({ volumes }: ContainerDeps, { mounts }: ContainerRecord): Promise<void> {
  const known = new Set(volumes.volumes().map(({ name }) => name));
  for (const { type, anonymous, name } of mounts) {
    if (type !== 'volume' || !anonymous || !known.has(name) || volumes.users(name).length > 0) continue;
    await volumes.remove(name, { force: false });
  }
}

/** Directories of containers that are no more. */
async function sweepDirectories({ config }: ContainerDeps, owners: ReadonlySet<string>): Promise<void> {
  for (const parent of [join(config.dataRoot, 'containers'), join(config.execRoot, 'bundles')]) {
    for (const id of await list(parent)) {
      if (!owners.has(id)) await rm(join(parent, id), { recursive: true, force: true });
    }
  }
  for (const id of await list(join(config.execRoot, 'shm'))) if (!owners.has(id)) await unmountShm(config, id);
}

async function list(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return [];
    throw error;
  }
}
