import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { IPAM, IPAMConfig } from '@wharf/api/network';
import { EngineError, invalidArgument } from '@wharf/base/error';
import {
  type Address,
  formatAddress,
  formatPrefix,
  type Prefix,
  parseAddress,
  parseInterface,
  parsePrefix,
  prefixContains,
  prefixesOverlap,
  prefixOf,
} from '../address.ts';
import { choosePool, type PoolRegion } from './default-pools.ts';

export interface SubnetRequest {
  readonly ipam: IPAM;
  readonly enableIPv4: boolean;
  readonly enableIPv6: boolean;
  readonly regions: readonly PoolRegion[];
  /** Subnets of other networks: even the user's choice must not overlap them. */
  readonly networks: readonly Prefix[];
  /** The host's routes: only automatic choices avoid them. */
  readonly routes: readonly Prefix[];
}

export interface AllocatedSubnets {
  readonly config: IPAMConfig[];
  /** The user chose at least one. */
  readonly userSubnet: boolean;
}

/** Completes a network's IPAM configuration: subnets where none is named, gateways. Throws Docker's errors. */
export function allocateSubnets(request: SubnetRequest): AllocatedSubnets {
  const { ipam, enableIPv4, enableIPv6 } = request;
  const named = (ipam.Config ?? []).map((entry) => parseEntry(entry, request));
  const result = named.filter((entry) => entry !== undefined);
  for (const [index, { subnet }] of result.entries()) {
    const others = [...request.networks, ...result.slice(0, index).map((entry) => entry.subnet)];
    if (others.some((other) => prefixesOverlap(other, subnet))) throw overlap();
  }
  const userSubnet = result.length > 0;
  const taken = [...request.networks, ...request.routes, ...result.map(({ subnet }) => subnet)];
  if (enableIPv4 && !result.some(({ subnet }) => subnet.family === 4)) {
    const subnet = choosePool(request.regions, taken);
    if (!subnet) throw exhausted();
    const gateway = request.ipam.Config?.find((entry) => !entry.Subnet && entry.Gateway)?.Gateway;
    result.unshift(complete({ subnet, ...(gateway ? { gateway } : {}) }));
  }
  if (enableIPv6 && !result.some(({ subnet }) => subnet.family === 6)) {
    const subnet = choosePool([uniqueLocalRegion()], taken);
    if (!subnet) throw exhausted();
    result.push(complete({ subnet }));
  }
  return { config: result.map(({ config }) => config), userSubnet };
}

interface Entry {
  readonly subnet: Prefix;
  readonly config: IPAMConfig;
}

function parseEntry(entry: IPAMConfig, { enableIPv4, enableIPv6 }: SubnetRequest): Entry | undefined {
  if (!entry.Subnet) {
    if (entry.IPRange) throw invalidArgument('invalid network config:\nip-range specified without a subnet');
    return undefined;
  }
  const written = parseInterface(entry.Subnet);
  const subnet = parsePrefix(entry.Subnet);
  if (!written || !subnet) {
    throw invalidArgument(
      `invalid network config:\ninvalid subnet ${entry.Subnet}: invalid CIDR address: ${entry.Subnet}`,
    );
  }
  if (written.address.value !== subnet.base) {
    throw invalidArgument(
      `invalid network config:\ninvalid subnet ${entry.Subnet}: it should be ${formatPrefix(subnet)}`,
    );
  }
  if (subnet.family === 6 && !enableIPv6) return undefined;
  if (subnet.family === 4 && !enableIPv4) {
    throw invalidArgument('invalid network config:\nIPv4 subnet given, but IPv4 is not enabled');
  }
  if (subnet.length === (subnet.family === 4 ? 32 : 128)) throw noGatewayLeft(entry.Subnet);
  const range = entry.IPRange ? parseRange(entry.IPRange, subnet) : undefined;
  for (const [name, text] of Object.entries(entry.AuxiliaryAddresses ?? {}))
    inside(`auxiliary address ${name}`, text, subnet);
  if (entry.Gateway) inside('gateway', entry.Gateway, subnet);
  return complete({
    subnet,
    ...(range ? { range } : {}),
    ...(entry.Gateway ? { gateway: entry.Gateway } : {}),
    auxiliary: entry.AuxiliaryAddresses ?? {},
  });
}

function parseRange(text: string, subnet: Prefix): Prefix {
  const range = parsePrefix(text);
  if (!range) throw invalidArgument(`invalid network config:\ninvalid ip-range ${text}: invalid CIDR address: ${text}`);
  if (range.length < subnet.length || !prefixesOverlap(range, subnet)) {
    throw invalidArgument(
      `invalid network config:\ninvalid ip-range ${text}: it should be in subnet ${formatPrefix(subnet)}`,
    );
  }
  return range;
}

function inside(what: string, text: string, subnet: Prefix): void {
  const address = parseAddress(text);
  if (!address) throw invalidArgument(`invalid network config:\ninvalid ${what}: ${text}`);
  if (!prefixContains(subnet, address)) {
    throw invalidArgument(
      `invalid network config:\ninvalid ${what} ${text}: parent subnet ${formatPrefix(subnet)} doesn't contain this address`,
    );
  }
}

interface Parts {
  readonly subnet: Prefix;
  readonly range?: Prefix;
  readonly gateway?: string;
  readonly auxiliary?: Readonly<Record<string, string>>;
}

/** Without a gateway of the user's the first address that is nobody's. */
function complete({ subnet, range, gateway, auxiliary = {} }: Parts): Entry {
  const taken = new Set(Object.values(auxiliary).map((text) => parseAddress(text)?.value));
  const first: Address = { family: subnet.family, value: subnet.base + (isPair(subnet) ? 0n : 1n) };
  let automatic = range && range.base > subnet.base ? { family: range.family, value: range.base } : first;
  while (taken.has(automatic.value)) automatic = { ...automatic, value: automatic.value + 1n };
  const config: IPAMConfig = { Subnet: formatPrefix(subnet) };
  if (range) config.IPRange = formatPrefix(range);
  config.Gateway = gateway ?? formatAddress(automatic);
  if (Object.keys(auxiliary).length > 0) config.AuxiliaryAddresses = { ...auxiliary };
  return { subnet, config };
}

function isPair({ family, length }: Prefix): boolean {
  return length >= (family === 4 ? 31 : 127);
}

/** A /48 of this host's own, cut into /64s. RFC 4193 wants the 40 bits random; they must also stay the same. */
function uniqueLocalRegion(): PoolRegion {
  const digest = createHash('sha256').update(machineIdentity()).digest();
  const bits = BigInt(`0x${digest.toString('hex').slice(0, 10)}`);
  const base = (0xfdn << 120n) | (bits << 80n);
  return { base: prefixOf({ family: 6, value: base }, 48), size: 64 };
}

function machineIdentity(): string {
  try {
    return readFileSync('/etc/machine-id', 'utf8');
  } catch {
    return hostname();
  }
}

function overlap(): EngineError {
  return new EngineError(
    'permission_denied',
    'invalid pool request: Pool overlaps with other one on this address space',
  );
}

function exhausted(): EngineError {
  return new EngineError('invalid_argument', 'all predefined address pools have been fully subnetted');
}

function noGatewayLeft(subnet: string): EngineError {
  return invalidArgument(`invalid network config:\ninvalid subnet ${subnet}: it has no address for a container`);
}
