import { checkFilterNames, type Filters, filterValues, lacksLabels, matchesLabels } from '@wharf/api/filters';
import { conflict } from '@wharf/base/error';
import type { ContainerDeps } from '../engine-deps.ts';
import { parseUntil } from '../time-filter.ts';
import { isAllowed } from './container-state.ts';
import { removeContainer } from './remove.ts';

/** Removes stopped containers. One prune at a time. */
export async function pruneContainers(
  deps: ContainerDeps,
  filters: Filters,
): Promise<{ ContainersDeleted: string[] | null; SpaceReclaimed: number }> {
  checkFilterNames(filters, ['label', 'label!', 'until']);
  const until = parseUntil(filterValues(filters, 'until'));
  if (deps.locks.isHeld('prune')) throw conflict('a prune operation is already running');
  return deps.locks.run('prune', async () => {
    const deleted: string[] = [];
    let reclaimed = 0;
    const stopped = [...deps.containers.values()].filter(
      ({ state, created, config }) =>
        isAllowed('remove', state.status) &&
        (until === undefined || BigInt(Date.parse(created)) * 1_000_000n < until) &&
        matchesLabels(filters, 'label', config.Labels) &&
        lacksLabels(filters, 'label!', config.Labels),
    );
    for (const { id } of stopped) {
      const size = await deps.snapshots.usage(id);
      try {
        await removeContainer(deps, id, { force: false, volumes: false, link: false });
      } catch (error) {
        deps.logger.warn('pruning a container', { container: id, error });
        continue;
      }
      deleted.push(id);
      reclaimed += size;
    }
    deps.events.publish({ type: 'container', action: 'prune', id: '', attributes: { reclaimed: String(reclaimed) } });
    return { ContainersDeleted: deleted.length === 0 ? null : deleted, SpaceReclaimed: reclaimed };
  });
}
