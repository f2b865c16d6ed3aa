import { booleanFilter, checkFilterNames, type Filters, lacksLabels, matchesLabels } from '@wharf/api/filters';
import { conflict } from '@wharf/base/error';
import { removeVolume } from './remove.ts';
import type { VolumeDeps } from './volume-deps.ts';

/**
 * Removes unused volumes that nobody named; with `all=true` named ones too. Those of plugins and those with options
 * stay: what is behind them may be a share that others use. One prune at a time.
 */
export async function pruneVolumes(
  deps: VolumeDeps,
  filters: Filters,
): Promise<{ VolumesDeleted: string[] | null; SpaceReclaimed: number }> {
  checkFilterNames(filters, ['label', 'label!', 'all']);
  const all = booleanFilter(filters, 'all', false);
  const lock = 'prune volumes';
  if (deps.locks.isHeld(lock)) throw conflict('a prune operation is already running');
  return deps.locks.run(lock, async () => {
    const unused = deps.volumes
      .volumes()
      .filter(
        ({ name, driver, driverOpts, anonymous, labels }) =>
          (all || anonymous) &&
          driver === 'local' &&
          Object.keys(driverOpts).length === 0 &&
          deps.volumes.users(name).length === 0 &&
          matchesLabels(filters, 'label', labels) &&
          lacksLabels(filters, 'label!', labels),
      );
    const deleted: string[] = [];
    let reclaimed = 0;
    for (const { name } of unused) {
      const size = await deps.volumes.usage(name);
      try {
        await removeVolume(deps, name, false);
      } catch (error) {
        deps.logger.warn('pruning a volume', { volume: name, error });
        continue;
      }
      deleted.push(name);
      reclaimed += size;
    }
    deps.events.publish({ type: 'volume', action: 'prune', id: '', attributes: { reclaimed: String(reclaimed) } });
    return { VolumesDeleted: deleted.length === 0 ? null : deleted, SpaceReclaimed: reclaimed };
  });
}
