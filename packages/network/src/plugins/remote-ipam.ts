import type { IPAMConfig } from '@wharf/api/network';
import { boolean, emptyStruct, map, struct, text } from '@wharf/base/decode';
import { EngineError, invalidArgument } from '@wharf/base/error';
import type { Logger } from '@wharf/base/logger';
import type { Undo } from '@wharf/base/transaction';
import { formatAddress, formatPrefix, parseAddress, parseInterface, prefixContains, prefixOf } from '../address.ts';
import { randomMac } from '../drivers/bridge.ts';
import type { AssignedAddress } from '../ipam/address-book.ts';
import type { NetworkSpec } from '../networking.ts';
import type { RemotePool, StoredNetwork } from '../records.ts';
import { askPlugin, impatient, type NetworkPlugins, type PluginPatience } from './network-plugins.ts';

export interface RemotePools {
  readonly addressSpace: string;
  readonly config: IPAMConfig[];
  readonly pools: RemotePool[];
}

const decodeSpaces = struct<{ LocalDefaultAddressSpace: string }>('GetAddressSpacesResponse', {
  LocalDefaultAddressSpace: text,
});
const decodeCapabilities = struct<{ RequiresMACAddress: boolean }>('Capabilities', { RequiresMACAddress: boolean });
const decodePool = struct<{ PoolID: string; Pool: string; Data: Record<string, string> }>('RequestPoolResponse', {
  PoolID: text,
  Pool: text,
  Data: map(text),
});
const decodeAddress = struct<{ Address: string }>('RequestAddressResponse', { Address: text });

const gatewayLabel = 'com.docker.network.gateway';
const macLabel = 'com.docker.network.endpoint.macaddress';

/** Addresses that plugins give: libnetwork docs/ipam.md. */
export class RemoteIpam {
  readonly #plugins: NetworkPlugins;
  readonly #log: Logger;

  constructor(plugins: NetworkPlugins, log: Logger) {
    this.#plugins = plugins;
    this.#log = log;
  }

  /** A pool for every subnet that is asked for, or one for each family, with its gateway and auxiliary addresses. */
  async requestPools(spec: NetworkSpec, undo: Undo): Promise<RemotePools> {
    const driver = spec.ipam.Driver;
    const { LocalDefaultAddressSpace: addressSpace } = await this.#ask(
      driver,
      'GetDefaultAddressSpaces',
      undefined,
      decodeSpaces,
    );
    const result: RemotePools = { addressSpace, config: [], pools: [] };
    for (const { family, entry } of wantedPools(spec)) {
      const { PoolID, Pool, Data } = await this.#ask(
        driver,
        'RequestPool',
        {
          AddressSpace: addressSpace,
          Pool: entry.Subnet ?? '',
          SubPool: entry.IPRange ?? '',
          Options: spec.ipam.Options ?? {},
          V6: family === 6,
        },
        decodePool,
      );
      const found = parseInterface(Pool);
      const pool = { id: PoolID, subnet: Pool, taken: [] as string[] };
      undo.defer(() => this.#releasePool(driver, pool));
      if (found?.address.family !== family) throw new EngineError('internal', `invalid pool of the plugin: ${Pool}`);
      const config: IPAMConfig = { Subnet: formatPrefix(prefixOf(found.address, found.length)) };
      if (entry.IPRange) config.IPRange = entry.IPRange;
      const given = parseInterface(Data[gatewayLabel] ?? '')?.address;
      if (given && !entry.Gateway) config.Gateway = formatAddress(given);
      else {
        const options = { RequestAddressType: gatewayLabel };
        config.Gateway = await this.#take(driver, pool, entry.Gateway ?? '', options);
      }
      for (const [name, wanted] of Object.entries(entry.AuxiliaryAddresses ?? {})) {
        const address = await this.#take(driver, pool, wanted, {});
        config.AuxiliaryAddresses = { ...config.AuxiliaryAddresses, [name]: address };
      }
      result.config.push(config);
      result.pools.push(pool);
    }
    return result;
  }

  async releasePools({ ipam, pools = [], name }: StoredNetwork): Promise<void> {
    for (const pool of pools) {
      try {
        await this.#releasePool(ipam.Driver, pool);
      } catch (error) {
        this.#log.warn('A plugin could not take back a pool of addresses', { network: name, pool: pool.subnet, error });
      }
    }
  }

  /** The MAC that the addresses are asked for by, where the plugin wants one. */
  async macFor(network: StoredNetwork, wanted: string): Promise<string> {
    const { RequiresMACAddress } = await this.#ask(
      network.ipam.Driver,
      'GetCapabilities',
      undefined,
      decodeCapabilities,
    ).catch(withoutCapabilities);
    return wanted || (RequiresMACAddress ? randomMac() : '');
  }

  /** Undefined where the network has no pool of this family. */
  async assign(
    network: StoredNetwork,
    { family, wanted, mac }: { family: 4 | 6; wanted: string; mac: string },
  ): Promise<AssignedAddress | undefined> {
    const address = parseAddress(wanted);
    for (const [index, pool] of (network.pools ?? []).entries()) {
      const found = parseInterface(pool.subnet);
      if (found?.address.family !== family) continue;
      const subnet = prefixOf(found.address, found.length);
      if (address && !prefixContains(subnet, address)) continue;
      const options = mac ? { [macLabel]: mac } : {};
      const given = parseAddress(await this.#request(network.ipam.Driver, pool.id, wanted, options));
      if (given?.family !== family) throw new EngineError('internal', 'the plugin gave no address of its pool');
      const gateway = parseAddress(network.ipam.Config[index]?.Gateway ?? '');
      return { address: given, subnet, gateway };
    }
    if (wanted) throw invalidArgument(`no configured subnet or ip-range contain the IP address ${wanted}`);
    return undefined;
  }

  async release(network: StoredNetwork, text: string | undefined): Promise<void> {
    const address = parseAddress(text ?? '');
    if (!address) return;
    const pool = (network.pools ?? []).find(({ subnet }) => {
      const found = parseInterface(subnet);
      return found && prefixContains(prefixOf(found.address, found.length), address);
    });
    if (pool) await this.#release(network.ipam.Driver, pool.id, text ?? '');
  }

  async #take(
    driver: string,
    pool: { id: string; taken: string[] },
    wanted: string,
    options: Record<string, string>,
  ): Promise<string> {
    const address = await this.#request(driver, pool.id, wanted, options);
    pool.taken.push(address);
    return address;
  }

  async #request(driver: string, id: string, wanted: string, options: Record<string, string>): Promise<string> {
    const question = { PoolID: id, Address: wanted, Options: options };
    const { Address } = await this.#ask(driver, 'RequestAddress', question, decodeAddress);
    const found = parseInterface(Address)?.address;
    if (!found) throw new EngineError('internal', `invalid address of the plugin: ${JSON.stringify(Address)}`);
    return formatAddress(found);
  }

  async #releasePool(driver: string, { id, taken }: RemotePool): Promise<void> {
    for (const address of taken) await this.#release(driver, id, address);
    await this.#ask(driver, 'ReleasePool', { PoolID: id }, emptyStruct, impatient);
  }

  async #release(driver: string, id: string, address: string): Promise<void> {
    await this.#ask(driver, 'ReleaseAddress', { PoolID: id, Address: address }, emptyStruct, impatient);
  }

  async #ask<T>(
    driver: string,
    method: string,
    argument: unknown,
    decoder: (value: unknown, path: string) => T,
    patience: PluginPatience = {},
  ): Promise<T> {
    const plugin = await this.#plugins.get(driver, 'IpamDriver', patience);
    return await askPlugin(plugin, { method: `IpamDriver.${method}`, argument, decoder, patience });
  }
}

/** Plugins from before this call want nothing. */
function withoutCapabilities(error: unknown): { RequiresMACAddress: boolean } {
  if (error instanceof EngineError && error.code === 'not_found') return { RequiresMACAddress: false };
  throw error;
}

function wantedPools({ ipam, enableIPv4, enableIPv6 }: NetworkSpec): { family: 4 | 6; entry: IPAMConfig }[] {
  const named = ipam.Config.map((entry) => {
    if (!entry.Subnet) {
      if (entry.IPRange) throw invalidArgument('invalid network config:\nip-range specified without a subnet');
      return { family: 4 as const, entry };
    }
    const found = parseInterface(entry.Subnet);
    if (!found) throw invalidArgument(`invalid network config:\ninvalid subnet ${entry.Subnet}: invalid CIDR address`);
    return { family: found.address.family, entry };
  });
  const enabled = { 4: enableIPv4, 6: enableIPv6 };
  const missing = ([4, 6] as const).filter(
    (family) => enabled[family] && !named.some((pool) => pool.family === family),
  );
  return [...named.filter(({ family }) => enabled[family]), ...missing.map((family) => ({ family, entry: {} }))];
}
