import type { StopOptions } from '../engine.ts';
import type { ContainerDeps } from '../engine-deps.ts';
import type { ContainerRecord } from './container-record.ts';
import { isAllowed, isUp } from './container-state.ts';
import { publishContainer } from './publish.ts';
import { startLocked } from './start.ts';
import { bringDown } from './stop.ts';

/** Stop, where it runs, and start. With `--rm` the container survives this stop. */
export async function restartContainer(deps: ContainerDeps, idOrName: string, options: StopOptions): Promise<void> {
  const { containers, locks, removals } = deps;
  const record = containers.find(idOrName);
  const keep = removals.keep(record.id);
  try {
    if (isAllowed('stop', record.state.status)) await bringDown(deps, record, options);
    const started = await locks.run(record.id, () => startUnlessUp(deps, containers.find(record.id)));
    publishContainer(deps.events, started, 'restart');
  } finally {
    keep.release();
  }
}

/** Somebody else may have been quicker. */
async function startUnlessUp(deps: ContainerDeps, record: ContainerRecord): Promise<ContainerRecord> {
  return isUp(record.state.status) ? record : startLocked(deps, record, 'client');
}
