import { conflict, EngineError } from '@wharf/base/error';
import { shortId } from '@wharf/base/id';
import { timestamp, zeroTime } from '@wharf/base/timestamp';
import { transaction, type Undo } from '@wharf/base/transaction';
import type { ContainerDeps } from '../engine-deps.ts';
import type { ContainerRecord } from './container-record.ts';
import { requireAllowed } from './container-state.ts';
import { launch } from './launch.ts';
import { publishContainer } from './publish.ts';
import { removeStopped } from './remove.ts';

/** Who starts it: a client's start begins a new life, with no restarts counted. */
export type StartedBy = 'client' | 'policy';

export async function startContainer(deps: ContainerDeps, idOrName: string): Promise<void> {
  const { id } = deps.containers.find(idOrName);
  await deps.locks.run(id, () => startLocked(deps, deps.containers.find(id), 'client'));
}

/** The caller holds the container's lock. Throws Docker's texts, and leaves Error and ExitCode in the state. */
export async function startLocked(
  deps: ContainerDeps,
  record: ContainerRecord,
  by: StartedBy,
): Promise<ContainerRecord> {
  const { containers, restarts, teardowns, removals } = deps;
  if (by === 'client') requireAllowed('start', record);
  if (removals.isRemoving(record.id)) throw conflict('container is marked for removal and cannot be started');
  if (by === 'client') restarts.reset(record.id);
  await teardowns.settled(record.id);
  try {
    const started = await transaction((undo) => bringUp(deps, record, by, undo));
    deps.health.begin(started);
    return started;
  } catch (error) {
    await recordFailure(deps, containers.get(record.id) ?? record, EngineError.from(error));
    throw error;
  }
}

async function bringUp(
  deps: ContainerDeps,
  record: ContainerRecord,
  by: StartedBy,
  undo: Undo,
): Promise<ContainerRecord> {
  const { containers, supervisor, events, fault } = deps;
  const { id } = record;
  const pid = await launch(deps, record, undo);
  fault('start.program');
  await supervisor.start(id);
  fault('start.record');
  const running = containers.updateState(
    id,
    { status: 'running', pid, exitCode: 0, error: '', oomKilled: false, startedAt: timestamp() },
    by === 'client' ? { manuallyStopped: false, restartCount: 0 } : {},
  );
  publishContainer(events, running, 'start');
  return running;
}

/** As Docker: the state keeps why, `--rm` takes the container away. */
async function recordFailure(deps: ContainerDeps, record: ContainerRecord, error: EngineError): Promise<void> {
  const { state } = record;
  const failed = deps.containers.updateState(record.id, {
    status: state.startedAt === zeroTime ? 'created' : 'exited',
    pid: 0,
    exitCode: failureExitCode(error),
    error: error.message,
  });
  if (!failed.hostConfig.AutoRemove) return;
  try {
    await removeStopped(deps, failed, { volumes: true });
  } catch (cause) {
    deps.logger.warn('removing a container that failed to start', { container: shortId(record.id), error: cause });
  }
}

function failureExitCode({ reason, message }: EngineError): number {
  if (reason === 'cmd_not_found') return 127;
  if (reason === 'cmd_not_executable') return 126;
  return /not a directory/i.test(message) ? 127 : 128;
}

/** The restart that a policy asked for is due. */
export async function restartByPolicy(deps: ContainerDeps, id: string): Promise<void> {
  await deps.locks.run(id, async () => {
    const record = deps.containers.get(id);
    if (record?.state.status !== 'restarting') return;
    if (deps.removals.isRemoving(id)) {
      giveUp(deps, record);
      return;
    }
    try {
      await startLocked(deps, record, 'policy');
    } catch (error) {
      deps.logger.error('restarting a container by its policy', { container: shortId(id), error });
      retryStart(deps, id);
    }
  });
}

function giveUp({ containers, waits }: ContainerDeps, { id, state }: ContainerRecord): void {
  containers.updateState(id, { status: 'exited' });
  waits.exited(id, { StatusCode: state.exitCode });
}

/** A start that failed counts as a run that failed: the policy decides again. */
function retryStart(deps: ContainerDeps, id: string): void {
  const record = deps.containers.get(id);
  if (!record) return;
  const delay = deps.restarts.nextDelay(id, record.hostConfig.RestartPolicy, {
    exitCode: record.state.exitCode,
    restartCount: record.restartCount,
    manuallyStopped: record.manuallyStopped,
    runMilliseconds: 0,
  });
  if (delay === undefined) {
    deps.waits.exited(id, { StatusCode: record.state.exitCode });
    return;
  }
  deps.containers.updateState(id, { status: 'restarting' }, { restartCount: record.restartCount + 1 });
  deps.restarts.schedule(id, delay, () => void restartByPolicy(deps, id));
}
