import type { NetworkInspect } from '@wharf/api/network';
import { notFound } from '@wharf/base/error';
import type { NetworkDeps } from './network-deps.ts';
import { viewNetwork } from './view.ts';

export async function inspectNetwork(
  { networking }: Pick<NetworkDeps, 'networking'>,
  idOrName: string,
  { scope }: { verbose: boolean; scope: string },
): Promise<NetworkInspect> {
  const network = networking.network(idOrName);
  if (scope !== '' && scope !== network.scope) throw notFound(`network ${idOrName} not found`);
  const subnets = networking
    .addressUse(network.id)
    .map(({ subnet, inUse, available }) => [subnet, { IPsInUse: inUse, DynamicIPsAvailable: available }] as const);
  return {
    ...viewNetwork(network, networking.endpointsOf(network.id)),
    Status: { IPAM: { Subnets: Object.fromEntries(subnets) } },
  };
}
