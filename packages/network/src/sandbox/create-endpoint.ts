import { randomBytes } from 'node:crypto';
import { invalidArgument } from '@wharf/base/error';
import { newId } from '@wharf/base/id';
import { addressBytes, formatAddress, parseAddress } from '../address.ts';
import type { NetworkContext } from '../context.ts';
import { isBridged, randomMac } from '../drivers/bridge.ts';
import { parseBridgeOptions } from '../drivers/bridge-options.ts';
import { isLayer3 } from '../drivers/stacked-link.ts';
import type { AssignedAddress } from '../ipam/address-book.ts';
import type { SandboxRequest } from '../networking.ts';
import type { StoredEndpoint } from '../records.ts';
import type { PlannedEndpoint } from './plan.ts';

/** Gives a container its place in a network: addresses, MAC, names. Touches no link yet. */
export function createEndpoint(
  { addresses }: NetworkContext,
  request: SandboxRequest,
  { network, settings }: PlannedEndpoint,
  takenInterfaces: readonly string[],
): StoredEndpoint {
  const assigned: AssignedAddress[] = [];
  try {
    for (const family of [4, 6] as const) {
      const wanted = family === 4 ? settings.IPAMConfig?.IPv4Address : settings.IPAMConfig?.IPv6Address;
      const address = addresses.assign(network.id, family, parseAddress(wanted ?? ''));
      if (address) assigned.push(address);
    }
    const [v4, v6] = [4, 6].map((family) => assigned.find(({ address }) => address.family === family));
    const routesByLink = network.driver === 'ipvlan' && isLayer3(network.options);
    const hasLink = network.driver !== 'host' && network.driver !== 'null';
    return {
      id: newId(),
      networkId: network.id,
      networkName: network.name,
      driver: network.driver,
      containerId: request.containerId,
      containerName: request.containerName,
      internal: network.internal,
      settings,
      dnsNames: network.predefined ? [] : dnsNames(request, settings.Aliases ?? []),
      macAddress: hasLink && network.driver !== 'ipvlan' ? macFor(settings.MacAddress, v4) : '',
      interfaceName: hasLink ? interfaceName(network.options, settings.DriverOpts ?? {}, takenInterfaces) : '',
      hostLink: isBridged(network) ? `veth${randomBytes(4).toString('hex').slice(0, 7)}` : '',
      ...(v4 ? { ipv4: formatAddress(v4.address), ipv4PrefixLength: v4.subnet.length } : {}),
      ...(v6 ? { ipv6: formatAddress(v6.address), ipv6PrefixLength: v6.subnet.length } : {}),
      ...(routesByLink ? { routesByLink } : {}),
      ...(v4?.gateway && !routesByLink ? { gateway4: formatAddress(v4.gateway) } : {}),
      ...(v6?.gateway && !routesByLink ? { gateway6: formatAddress(v6.gateway) } : {}),
    };
  } catch (error) {
    for (const { address } of assigned) addresses.release(network.id, formatAddress(address));
    throw error;
  }
}

export function releaseEndpoint({ addresses, endpoints, firewall }: NetworkContext, endpoint: StoredEndpoint): void {
  if (endpoint.hostLink !== '') firewall.spoofGuard?.release([endpoint.hostLink]);
  endpoints.remove(endpoint);
  addresses.release(endpoint.networkId, endpoint.ipv4);
  addresses.release(endpoint.networkId, endpoint.ipv6);
}

/** As Docker orders them in DNSNames: name, aliases, short id, hostname. */
export function dnsNames(request: SandboxRequest, aliases: readonly string[]): string[] {
  const { containerName, containerId, hostname } = request;
  const names = [containerName, ...aliases, containerId.slice(0, 12), hostname].filter((name) => name !== '');
  return [...new Set(names.map((name) => name.toLowerCase()))];
}

/** Docker's: from the address, so that a successor at the same address is the same neighbour. */
function macFor(wanted: string, v4: AssignedAddress | undefined): string {
  if (wanted) return wanted.toLowerCase().replaceAll('-', ':');
  if (!v4) return randomMac();
  const bytes = Array.from(addressBytes(v4.address), (byte) => byte.toString(16).padStart(2, '0'));
  return ['02', '42', ...bytes].join(':');
}

function interfaceName(
  networkOptions: Readonly<Record<string, string>>,
  endpointOptions: Readonly<Record<string, string>>,
  taken: readonly string[],
): string {
  const chosen = endpointOptions['com.docker.network.endpoint.ifname'];
  if (chosen) {
    if (chosen.length > 15 || /[/\s:]/.test(chosen) || chosen === 'lo' || taken.includes(chosen)) {
      throw invalidArgument(`invalid interface name: ${chosen}`);
    }
    return chosen;
  }
  const { interfacePrefix } = parseBridgeOptions(networkOptions);
  for (let number = 0; ; number++) {
    const name = `${interfacePrefix}${number}`;
    if (!taken.includes(name)) return name;
  }
}
