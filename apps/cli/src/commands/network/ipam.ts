import type { IPAMConfig } from '@wharf/api/network';
import { ExitError } from '../../exit-error.ts';
import { isIPv4, isIPv6 } from '../../ip.ts';

export interface IpamFlags {
  readonly subnets: readonly string[];
  readonly ranges: readonly string[];
  readonly gateways: readonly string[];
  readonly auxiliary: Readonly<Record<string, string>>;
}

/** One pool a subnet, with the range, gateway and addresses that lie in it. */
export function ipamConfigs({ subnets, ranges, gateways, auxiliary }: IpamFlags): IPAMConfig[] {
  if (subnets.length < ranges.length || subnets.length < gateways.length) {
    throw new ExitError(1, 'every ip-range or gateway must have a corresponding subnet');
  }
  const pools = new Map<string, IPAMConfig>();
  for (const subnet of subnets) {
    for (const other of pools.keys()) {
      if (contains(other, subnet) || contains(subnet, other)) {
        throw new ExitError(1, 'multiple overlapping subnet configuration is not supported');
      }
    }
    pools.set(subnet, { Subnet: subnet, AuxiliaryAddresses: {} });
  }
  for (const range of ranges) {
    const pool = poolOf(pools, range);
    if (!pool) throw new ExitError(1, `no matching subnet for range ${range}`);
    if (pool.IPRange)
      throw new ExitError(
        1,
        `cannot configure multiple ranges (${range}, ${pool.IPRange}) on the same subnet (${pool.Subnet})`,
      );
    pool.IPRange = range;
  }
  for (const gateway of gateways) {
    const pool = poolOf(pools, gateway);
    if (!pool) throw new ExitError(1, `no matching subnet for gateway ${gateway}`);
    if (pool.Gateway)
      throw new ExitError(
        1,
        `cannot configure multiple gateways (${gateway}, ${pool.Gateway}) for the same subnet (${pool.Subnet})`,
      );
    pool.Gateway = gateway;
  }
  for (const [name, address] of Object.entries(auxiliary)) {
    const pool = poolOf(pools, address);
    if (!pool) throw new ExitError(1, `no matching subnet for aux-address ${address}`);
    pool.AuxiliaryAddresses = { ...pool.AuxiliaryAddresses, [name]: address };
  }
  return [...pools.values()];
}

function poolOf(pools: ReadonlyMap<string, IPAMConfig>, address: string): IPAMConfig | undefined {
  return [...pools].find(([subnet]) => contains(subnet, address))?.[1];
}

/** Whether an address, or a whole range, starts inside the subnet. */
function contains(subnet: string, address: string): boolean {
  const [base = '', length = ''] = subnet.split('/');
  const [inner = ''] = address.split('/');
  const [a, b] = [bitsOf(base), bitsOf(inner)];
  if (!a || !b || a.length !== b.length) return false;
  const prefix = Number(length);
  return a.slice(0, prefix) === b.slice(0, prefix);
}

function bitsOf(address: string): string | undefined {
  if (isIPv4(address))
    return address
      .split('.')
      .map((part) => Number(part).toString(2).padStart(8, '0'))
      .join('');
  if (!isIPv6(address)) return undefined;
  const [head = '', tail] = address.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups = tail === undefined ? left : [...left, ...Array(8 - left.length - right.length).fill('0'), ...right];
  return groups.map((group) => Number.parseInt(group, 16).toString(2).padStart(16, '0')).join('');
}
