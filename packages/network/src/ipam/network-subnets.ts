import { type Address, type Prefix, parseAddress, parsePrefix } from '../address.ts';
import type { NetworkRecord } from '../networking.ts';

/** One entry of a network's allocated IPAM configuration, parsed. */
export interface NetworkSubnet {
  readonly subnet: Prefix;
  readonly range: Prefix | undefined;
  readonly gateway: Address | undefined;
  readonly auxiliary: readonly Address[];
}

export function networkSubnets({ ipam }: Pick<NetworkRecord, 'ipam'>): NetworkSubnet[] {
  return ipam.Config.flatMap(({ Subnet, IPRange, Gateway, AuxiliaryAddresses }) => {
    const subnet = parsePrefix(Subnet ?? '');
    if (!subnet) return [];
    const auxiliary = Object.values(AuxiliaryAddresses ?? {}).flatMap((text) => parseAddress(text) ?? []);
    return [{ subnet, range: parsePrefix(IPRange ?? ''), gateway: parseAddress(Gateway ?? ''), auxiliary }];
  });
}
