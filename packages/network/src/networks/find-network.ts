import { EngineError, invalidArgument, notFound } from '@wharf/base/error';
import type { NetworkContext } from '../context.ts';
import type { NetworkDriver } from '../drivers/network-driver.ts';
import type { StoredNetwork } from '../records.ts';

/** By full id, exact name, then unique id prefix. */
export function findNetwork({ networks }: Pick<NetworkContext, 'networks'>, nameOrId: string): StoredNetwork {
  const byId = networks.get(nameOrId);
  if (byId) return byId;
  const byPrefix: StoredNetwork[] = [];
  for (const network of networks.values()) {
    if (network.name === nameOrId) return network;
    if (nameOrId !== '' && network.id.startsWith(nameOrId)) byPrefix.push(network);
  }
  if (byPrefix.length > 1)
    throw invalidArgument(`network ${nameOrId} is ambiguous (${byPrefix.length} matches found based on ID prefix)`);
  const [found] = byPrefix;
  if (!found) throw notFound(`network ${nameOrId} not found`);
  return found;
}

export function driverOf({ drivers }: Pick<NetworkContext, 'drivers'>, name: string): NetworkDriver {
  const driver = drivers.get(name);
  if (!driver)
    throw new EngineError(
      'not_found',
      `could not find plugin ${name} in v1 plugin registry: plugin "${name}" not found`,
    );
  return driver;
}
