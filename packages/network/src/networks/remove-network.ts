import { EngineError } from '@wharf/base/error';
import type { NetworkContext } from '../context.ts';
import type { StoredNetwork } from '../records.ts';
import { checkNotDependedOn } from './config-network.ts';
import { driverOf, findNetwork, networkLock } from './find-network.ts';

/** Removes a network that has no endpoints. */
export async function removeNetwork(context: NetworkContext, nameOrId: string): Promise<void> {
  const network = findNetwork(context, nameOrId);
  await context.locks.run(networkLock(network), async () => removeLocked(context, findNetwork(context, network.id)));
}

async function removeLocked(context: NetworkContext, network: StoredNetwork): Promise<void> {
  const { id, name, driver, predefined } = network;
  if (predefined) {
    throw new EngineError('permission_denied', `${name} is a pre-defined network and cannot be removed`);
  }
  checkNotDependedOn(context, network);
  const endpoints = context.endpoints.ofNetwork(id);
  if (endpoints.length > 0) {
    const users = endpoints.map((endpoint) => `name:"${endpoint.containerName}" id:"${endpoint.id.slice(0, 12)}"`);
    throw new EngineError(
      'permission_denied',
      `error while removing network: network ${name} has active endpoints (${users.join(', ')})`,
    );
  }
  context.networks.delete(id);
  context.addresses.remove(id);
  await driverOf(context, driver).remove(network);
  await context.remoteIpam.releasePools(network);
}
