import type { StopOptions } from '../engine.ts';
import type { ContainerDeps } from '../engine-deps.ts';
import { isAllowed } from './container-state.ts';
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
    const started = await locks.run(record.id, () => startLocked(deps, containers.find(record.id), 'client'));
    publishContainer(deps.events, started, 'restart');
  } finally {
    keep.release();
  }
}
