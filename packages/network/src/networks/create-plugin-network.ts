import { invalidArgument } from '@wharf/base/error';
import { transaction, type Undo } from '@wharf/base/transaction';
import type { NetworkContext } from '../context.ts';
import type { NetworkDriver } from '../drivers/network-driver.ts';
import { withHostLock } from '../host-lock.ts';
import type { NetworkSpec } from '../networking.ts';
import type { StoredNetwork } from '../records.ts';
import { newRecord, planNetwork } from './create-network.ts';

/**
 * Makes a network whose driver or addresses are a plugin's. The row is there before the driver is asked: what a
 * daemon that dies meanwhile leaves behind can be removed by its name.
 */
export async function createPluginNetwork(
  context: NetworkContext,
  spec: NetworkSpec,
  driver: NetworkDriver,
  link: string | undefined,
): Promise<StoredNetwork> {
  const { networks, addresses } = context;
  await driver.remote?.check();
  return await transaction(async (undo) => {
    const network = await plan(context, { spec, driver, link }, undo);
    addresses.add(network);
    undo.defer(() => addresses.remove(network.id));
    networks.put(network.id, network);
    undo.defer(() => void networks.delete(network.id));
    undo.defer(() => driver.remove(network));
    if (driver.remote) await driver.remote.create(network);
    else withHostLock(() => driver.ensure(network));
    return network;
  });
}

interface PluginNetworkRequest {
  readonly spec: NetworkSpec;
  readonly driver: NetworkDriver;
  readonly link: string | undefined;
}

async function plan(
  context: NetworkContext,
  { spec, driver, link }: PluginNetworkRequest,
  undo: Undo,
): Promise<StoredNetwork> {
  const { ipam } = spec;
  if (ipam.Driver === 'default') return planNetwork(context, spec, link);
  const network = { ...spec, ...newRecord(), userSubnet: false, ...(link ? { link } : {}) };
  if (ipam.Driver === 'null') {
    if (!driver.remote) throw invalidArgument('ipv4 pool is empty');
    return { ...network, ipam: { ...ipam, Config: [{ Subnet: '0.0.0.0/0' }] } };
  }
  const { config, ...pools } = await context.remoteIpam.requestPools(spec, undo);
  const userSubnet = ipam.Config.some(({ Subnet }) => Subnet);
  return { ...network, ipam: { ...ipam, Config: config }, userSubnet, ...pools };
}
