import { checkFilterNames, type Filters, filterValues, lacksLabels, matchesLabels } from '@wharf/api/filters';
import { parsePointInTime } from '@wharf/base/point-in-time';
import { parseUntil } from '../time-filter.ts';
import type { NetworkDeps } from './network-deps.ts';
import { removeNetwork } from './remove.ts';

const accepted = ['label', 'label!', 'until'];

/** Removes the user-defined networks that nobody is attached to. */
export async function pruneNetworks(
  deps: NetworkDeps,
  filters: Filters,
): Promise<{ NetworksDeleted: string[] | null }> {
  checkFilterNames(filters, accepted);
  const until = parseUntil(filterValues(filters, 'until'));
  const deleted: string[] = [];
  for (const { id, name, predefined, labels, created } of deps.networking.networks()) {
    if (predefined || deps.networking.endpointsOf(id).length > 0) continue;
    if (!matchesLabels(filters, 'label', labels) || !lacksLabels(filters, 'label!', labels)) continue;
    if (until !== undefined && parsePointInTime(created) > until) continue;
    await removeNetwork(deps, id);
    deleted.push(name);
  }
  return { NetworksDeleted: deleted.length > 0 ? deleted : null };
}
