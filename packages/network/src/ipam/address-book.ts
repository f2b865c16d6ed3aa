import { EngineError } from '@wharf/base/error';
import { type Address, formatAddress, formatPrefix, type Prefix, parseAddress } from '../address.ts';
import type { SubnetUse } from '../networking.ts';
import type { StoredNetwork } from '../records.ts';
import { AddressPool } from './address-pool.ts';
import { networkSubnets } from './network-subnets.ts';

export interface AssignedAddress {
  readonly address: Address;
  readonly subnet: Prefix;
  readonly gateway: Address | undefined;
}

/** Who has which address in every network. Kept in memory; the endpoints' records are what it is rebuilt from. */
export class AddressBook {
  readonly #networks = new Map<string, { pool: AddressPool; gateway: Address | undefined }[]>();

  /**
   * A configuration network has no addresses: they are those of the networks made from it. Those of other IPAM drivers
   * are the drivers' own.
   */
  add(network: StoredNetwork): void {
    if (network.configOnly || network.ipam.Driver !== 'default') return;
    const pools = networkSubnets(network).map(({ subnet, range, gateway, auxiliary }) => ({
      pool: new AddressPool({
        subnet,
        ...(range ? { range } : {}),
        reserved: [...(gateway ? [gateway] : []), ...auxiliary],
      }),
      gateway,
    }));
    this.#networks.set(network.id, pools);
  }

  remove(networkId: string): void {
    this.#networks.delete(networkId);
  }

  /** The subnets of all networks but one. */
  subnets(except?: string): Prefix[] {
    const others = [...this.#networks].filter(([id]) => id !== except);
    return others.flatMap(([, pools]) => pools.map(({ pool }) => pool.subnet));
  }

  use(networkId: string): SubnetUse[] {
    return (this.#networks.get(networkId) ?? []).map(({ pool }) => ({
      subnet: formatPrefix(pool.subnet),
      ...pool.use,
    }));
  }

  /** Undefined where the network has no subnet of this family. Throws Docker's errors. */
  assign(networkId: string, family: 4 | 6, wanted: Address | undefined): AssignedAddress | undefined {
    const pools = (this.#networks.get(networkId) ?? []).filter(({ pool }) => pool.subnet.family === family);
    for (const { pool, gateway } of pools) {
      const result = wanted ? pool.allocateExactly(wanted) : pool.allocate();
      if (typeof result !== 'string') return { address: result, subnet: pool.subnet, gateway };
      if (result === 'in_use') throw new EngineError('permission_denied', 'Address already in use');
    }
    if (pools.length === 0) return undefined;
    if (wanted) {
      throw new EngineError(
        'invalid_argument',
        `no configured subnet or ip-range contain the IP address ${formatAddress(wanted)}`,
      );
    }
    throw new EngineError('internal', `no available IPv${family} addresses on this network's address pools`);
  }

  release(networkId: string, text: string | undefined): void {
    const address = parseAddress(text ?? '');
    if (!address) return;
    const pools = this.#networks.get(networkId) ?? [];
    for (const { pool } of pools) if (pool.subnet.family === address.family) pool.release(address);
  }
}
