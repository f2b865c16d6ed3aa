import { isErrorCode } from '@wharf/base/error';
import { shortId } from '@wharf/base/id';
import { within } from '@wharf/base/within';
import type { StopOptions } from '../engine.ts';
import type { ContainerDeps } from '../engine-deps.ts';
import type { ContainerRecord } from './container-record.ts';
import { requireAllowed } from './container-state.ts';
import { sendSignal } from './kill.ts';
import { publishContainer } from './publish.ts';
import { parseSignal } from './signal.ts';

const SIGKILL = 9;

/** Stop signal, patience, SIGKILL. `not_modified` if it is down already. */
export async function stopContainer(deps: ContainerDeps, idOrName: string, options: StopOptions): Promise<void> {
  const record = deps.containers.find(idOrName);
  requireAllowed('stop', record);
  await bringDown(deps, record, options);
  await deps.database.flush();
}

/** Resolves when the container is down and its `stop` event is out. */
export async function bringDown(deps: ContainerDeps, record: ContainerRecord, options: StopOptions): Promise<void> {
  const { id, config } = record;
  const signal = parseSignal(options.signal || config.StopSignal || 'SIGTERM');
  const timeout = options.timeout ?? config.StopTimeout ?? deps.config.defaultStopTimeout;
  deps.fault('stop.begin');
  const exited = deps.waits.nextExit(id);
  await signalUnlessGone(deps, record, signal);
  if (!(await within(exited, timeout))) {
    deps.logger.info('container did not stop in time: killing it', { container: shortId(id), seconds: timeout });
    deps.fault('stop.kill');
    await signalUnlessGone(deps, deps.containers.get(id) ?? record, SIGKILL);
    await exited;
  }
  deps.fault('stop.event');
  publishContainer(deps.events, deps.containers.get(id) ?? record, 'stop');
}

/** A process that is gone before the signal is fine: its exit is being reported then. */
async function signalUnlessGone(deps: ContainerDeps, record: ContainerRecord, signal: number): Promise<void> {
  try {
    await sendSignal(deps, record, signal);
  } catch (error) {
    if (!isErrorCode(error, 'conflict')) throw error;
  }
}
