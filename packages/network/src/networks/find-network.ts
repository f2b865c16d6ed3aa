import { invalidArgument, notFound } from '@wharf/base/error';
import type { NetworkContext } from '../context.ts';
import type { NetworkDriver } from '../drivers/network-driver.ts';
import { noPlugins } from '../plugins/network-plugins.ts';
import { RemoteDriver } from '../plugins/remote-driver.ts';
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

/** The key by which a network's making and removal exclude each other. */
export function networkLock({ name }: { readonly name: string }): string {
  return `network ${name}`;
}

/** A driver that is none of ours is a plugin, whether it is there or not. */
export function driverOf({ drivers, options, route, log }: DriverContext, name: string): NetworkDriver {
  const known = drivers.get(name);
  if (known) return known;
  const driver = new RemoteDriver({ name, plugins: options.plugins ?? noPlugins, route, log });
  drivers.set(name, driver);
  return driver;
}

type DriverContext = Pick<NetworkContext, 'drivers' | 'options' | 'route' | 'log'>;
