import { EngineError, notImplemented } from '@wharf/base/error';
import { newId } from '@wharf/base/id';
import { timestamp } from '@wharf/base/timestamp';
import { transaction } from '@wharf/base/transaction';
import type { NetworkContext } from '../context.ts';
import { parseBridgeOptions } from '../drivers/bridge-options.ts';
import { withHostLock } from '../host-lock.ts';
import { allocateSubnets } from '../ipam/allocate-subnets.ts';
import { defaultRegions } from '../ipam/default-pools.ts';
import type { NetworkSpec } from '../networking.ts';
import type { StoredNetwork } from '../records.ts';
import { applyConfiguration, checkConfigOnly } from './config-network.ts';
import { createPluginNetwork } from './create-plugin-network.ts';
import { driverOf, networkLock } from './find-network.ts';

/**
 * Makes a user-defined network: pool, row, kernel state; a throw undoes all of it. Nothing is awaited between the
 * checks and the row: two creates cannot both find a name or a pool free.
 */
export async function createNetwork(context: NetworkContext, request: NetworkSpec): Promise<StoredNetwork> {
  return await context.locks.run(networkLock(request), () => createLocked(context, request));
}

async function createLocked(context: NetworkContext, request: NetworkSpec): Promise<StoredNetwork> {
  const { networks, addresses, remover } = context;
  await remover.settled(request.options['com.docker.network.bridge.name'] ?? '');
  for (const { name } of networks.values()) {
    if (name === request.name) throw new EngineError('conflict', `network with name ${request.name} already exists`);
  }
  if (request.ingress) throw notImplemented('an ingress network');
  if (request.configOnly) return createConfigNetwork(context, request);
  const spec = request.configFrom
    ? applyConfiguration(context, request, request.configFrom)
    : withDefaultOptions(context, request);
  const driver = driverOf(context, spec.driver);
  const link = spec.driver === 'bridge' ? parseBridgeOptions(spec.options).name : undefined;
  driver.validate(spec);
  if (driver.remote || spec.ipam.Driver !== 'default') return await createPluginNetwork(context, spec, driver, link);
  return await transaction(async (undo) =>
    withHostLock(() => {
      const network = planNetwork(context, spec, link);
      addresses.add(network);
      undo.defer(() => addresses.remove(network.id));
      undo.defer(() => driver.remove(network));
      driver.ensure(network);
      networks.put(network.id, network);
      return network;
    }),
  );
}

function withDefaultOptions({ options }: NetworkContext, spec: NetworkSpec): NetworkSpec {
  const defaults = options.defaultNetworkOptions?.[spec.driver];
  return defaults ? { ...spec, options: { ...defaults, ...spec.options } } : spec;
}

/** A row alone: no addresses are taken and no link is made for what only others use. */
function createConfigNetwork({ networks }: NetworkContext, spec: NetworkSpec): StoredNetwork {
  checkConfigOnly(spec);
  const network = { ...spec, ...newRecord(), driver: 'null', userSubnet: false };
  networks.put(network.id, network);
  return network;
}

export function newRecord() {
  return { id: newId(), created: timestamp(), scope: 'local', predefined: false } as const;
}

export function planNetwork(context: NetworkContext, spec: NetworkSpec, link: string | undefined): StoredNetwork {
  const { addresses, options, foreignRoutes } = context;
  const { config, userSubnet } = allocateSubnets({
    ...spec,
    regions: options.addressPools ?? defaultRegions,
    networks: addresses.subnets(),
    routes: foreignRoutes.list(),
  });
  return {
    ...spec,
    ...newRecord(),
    ipam: { ...spec.ipam, Config: config },
    userSubnet,
    ...(link ? { link } : {}),
  };
}
