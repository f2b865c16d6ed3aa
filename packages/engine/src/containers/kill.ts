import { EngineError, isErrorCode } from '@wharf/base/error';
import type { ContainerDeps } from '../engine-deps.ts';
import type { ContainerRecord } from './container-record.ts';
import { requireAllowed } from './container-state.ts';
import { thaw } from './pause.ts';
import { publishContainer } from './publish.ts';
import { parseSignal } from './signal.ts';

const SIGKILL = 9;

/** `docker kill`: sends a signal, and for SIGKILL waits until the container is seen to be down. */
export async function killContainer(deps: ContainerDeps, idOrName: string, signal: string | undefined): Promise<void> {
  const { containers, waits } = deps;
  const number = parseSignal(signal || 'SIGKILL');
  const record = containers.find(idOrName);
  try {
    requireAllowed('kill', record);
    const down = number === SIGKILL ? waits.nextExit(record.id) : undefined;
    await sendSignal(deps, record, number);
    await down;
  } catch (error) {
    const { code, message, reason, cause } = EngineError.from(error);
    throw new EngineError(code, `cannot kill container: ${idOrName}: ${message}`, { ...(reason && { reason }), cause });
  }
}

/**
 * Signals a container on a client's behalf. From then on `unless-stopped` keeps it down, and where the signal is
 * meant to end it no restart policy brings it back at its next exit.
 */
export async function sendSignal(deps: ContainerDeps, before: ContainerRecord, signal: number): Promise<void> {
  const { containers, supervisor, restarts, events, fault } = deps;
  const { id, config } = before;
  fault('kill.record');
  const record = before.manuallyStopped ? before : containers.update(id, { manuallyStopped: true });
  const meansEnd = signal === SIGKILL || config.StopSignal === '' || parseSignal(config.StopSignal) === signal;
  if (record.state.status === 'restarting') {
    if (giveUpRestart(deps, id)) return;
    // Its restart is under way: what comes of it is signalled.
    await deps.locks.run(id, async () => {});
    await sendSignal(deps, requireKillable(containers.find(id)), signal);
    return;
  }
  if (meansEnd) restarts.cancelNext(id);
  fault('kill.signal');
  try {
    await supervisor.kill(id, signal);
  } catch (error) {
    if (!isErrorCode(error, 'conflict') && !isErrorCode(error, 'not_found')) throw error;
    throw new EngineError('conflict', `container ${id} is not running`, { cause: error });
  }
  publishContainer(events, record, 'kill', { signal: String(signal) });
  // Docker lets a paused container run again when it is told to end: a frozen process cannot.
  if (meansEnd && record.state.status === 'paused') await thaw(deps, id);
}

function requireKillable(record: ContainerRecord): ContainerRecord {
  requireAllowed('kill', record);
  return record;
}

/** The container was waiting for its next restart: now it stays down. False if it is being restarted already. */
function giveUpRestart({ containers, restarts, waits }: ContainerDeps, id: string): boolean {
  if (!restarts.cancelWaiting(id)) return false;
  const { state } = containers.updateState(id, { status: 'exited' });
  waits.exited(id, { StatusCode: state.exitCode });
  return true;
}
