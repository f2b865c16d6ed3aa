import { isErrorCode } from '@wharf/base/error';
import { shortId } from '@wharf/base/id';
import { within } from '@wharf/base/within';
import type { ContainerDeps } from '../engine-deps.ts';
import type { ContainerRecord } from './container-record.ts';
import { isUp } from './container-state.ts';
import { thaw } from './pause.ts';
import { parseSignal } from './signal.ts';

const SIGKILL = 9;

/**
 * The daemon stops without live-restore: all containers go down together, within so many seconds. They do not count
 * as stopped by hand, so that their policies start them again with the next daemon.
 */
export async function stopAllContainers(deps: ContainerDeps, timeout: number): Promise<void> {
  deps.restarts.close();
  const up = [...deps.containers.values()].filter(({ state }) => isUp(state.status));
  await Promise.all(
    up.map((record) =>
      stopForShutdown(deps, record, timeout).catch((error: unknown) =>
        deps.logger.error('stopping a container for the shutdown', { container: shortId(record.id), error }),
      ),
    ),
  );
}

async function stopForShutdown(deps: ContainerDeps, { id, config }: ContainerRecord, timeout: number): Promise<void> {
  const exited = deps.waits.nextExit(id);
  deps.restarts.cancelNext(id);
  await signal(deps, id, parseSignal(config.StopSignal || 'SIGTERM'));
  const patience = config.StopTimeout ?? deps.config.defaultStopTimeout;
  if (await within(exited, timeout < 0 ? patience : Math.min(patience, timeout))) return;
  await signal(deps, id, SIGKILL);
  await exited;
}

async function signal(deps: ContainerDeps, id: string, number: number): Promise<void> {
  try {
    await deps.supervisor.kill(id, number);
    await thaw(deps, id);
  } catch (error) {
    if (!isErrorCode(error, 'conflict') && !isErrorCode(error, 'not_found')) throw error;
  }
}
