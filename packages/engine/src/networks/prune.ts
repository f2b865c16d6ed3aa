import { checkFilterNames, type Filters, filterValues, lacksLabels, matchesLabels } from '@wharf/api/filters';
import { conflict, isErrorCode } from '@wharf/base/error';
import { parsePointInTime } from '@wharf/base/point-in-time';
import { parseUntil } from '../time-filter.ts';
import type { NetworkDeps } from './network-deps.ts';
import { removeNetwork } from './remove.ts';

const accepted = ['label', 'label!', 'until'];
const lock = 'network prune';

/** Removes the user-defined networks that nobody is attached to. */
export async function pruneNetworks(
  deps: NetworkDeps,
  filters: Filters,
): Promise<{ NetworksDeleted: string[] | null }> {
  checkFilterNames(filters, accepted);
  if (deps.locks.isHeld(lock)) throw conflict('a prune operation is already running');
  return await deps.locks.run(lock, () => prune(deps, filters));
}

async function prune(deps: NetworkDeps, filters: Filters): Promise<{ NetworksDeleted: string[] | null }> {
  const until = parseUntil(filterValues(filters, 'until'));
  const deleted: string[] = [];
  for (const { id, name, predefined, configOnly, labels, created } of deps.networking.networks()) {
    if (predefined || configOnly || deps.networking.endpointsOf(id).length > 0) continue;
    if (!matchesLabels(filters, 'label', labels) || !lacksLabels(filters, 'label!', labels)) continue;
    if (until !== undefined && parsePointInTime(created) > until) continue;
    if (await removeUnused(deps, id)) deleted.push(name);
  }
  deps.events.publish({ type: 'network', action: 'prune', id: '', attributes: { reclaimed: '0' } });
  return { NetworksDeleted: deleted.length > 0 ? deleted : null };
}

/** False where somebody joined or removed it in the meantime. */
async function removeUnused(deps: NetworkDeps, id: string): Promise<boolean> {
  try {
    await removeNetwork(deps, id);
    return true;
  } catch (error) {
    if (isErrorCode(error, 'permission_denied') || isErrorCode(error, 'not_found')) return false;
    throw error;
  }
}
