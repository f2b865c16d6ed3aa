import {
  booleanFilter,
  checkFilterNames,
  type Filters,
  filterValues,
  matchesExactly,
  matchesLabels,
  matchesPattern,
} from '@wharf/api/filters';
import type { NetworkInspect } from '@wharf/api/network';
import { invalidArgument } from '@wharf/base/error';
import type { NetworkRecord } from '@wharf/network/networking';
import type { NetworkDeps } from './network-deps.ts';
import { viewNetwork } from './view.ts';

const accepted = ['dangling', 'driver', 'id', 'label', 'name', 'scope', 'type'];

export async function listNetworks({ networking }: NetworkDeps, filters: Filters): Promise<NetworkInspect[]> {
  checkFilterNames(filters, accepted);
  for (const value of filterValues(filters, 'type')) {
    if (value !== 'custom' && value !== 'builtin') throw invalidArgument(`invalid filter: 'type'='${value}'`);
  }
  const dangling = filters.has('dangling') ? booleanFilter(filters, 'dangling', false) : undefined;
  return networking
    .networks()
    .filter((network) => matches(network, filters))
    .filter((network) => dangling === undefined || isDangling(networking, network) === dangling)
    .map((network) => viewNetwork(network, []));
}

function matches(network: NetworkRecord, filters: Filters): boolean {
  return (
    matchesExactly(filters, 'driver', network.driver) &&
    matchesPattern(filters, 'name', network.name) &&
    matchesPattern(filters, 'id', network.id) &&
    matchesLabels(filters, 'label', network.labels) &&
    matchesExactly(filters, 'scope', network.scope) &&
    matchesExactly(filters, 'type', network.predefined ? 'builtin' : 'custom')
  );
}

/** Used by no container, and not one of those that always exist. */
function isDangling(networking: NetworkDeps['networking'], { id, predefined }: NetworkRecord): boolean {
  return !predefined && networking.endpointsOf(id).length === 0;
}
