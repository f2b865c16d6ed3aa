import { randomBytes } from 'node:crypto';
import type { EndpointSettings } from '@wharf/api/network';
import { invalidArgument } from '@wharf/base/error';
import { newId } from '@wharf/base/id';
import { transaction } from '@wharf/base/transaction';
import { addressBytes, formatAddress, parseAddress } from '../address.ts';
import type { NetworkContext } from '../context.ts';
import { isBridged, randomMac } from '../drivers/bridge.ts';
import { parseBridgeOptions } from '../drivers/bridge-options.ts';
import { isLayer3 } from '../drivers/stacked-link.ts';
import type { AssignedAddress } from '../ipam/address-book.ts';
import type { SandboxRequest } from '../networking.ts';
import { driverOf } from '../networks/find-network.ts';
import type { StoredEndpoint, StoredNetwork } from '../records.ts';
import type { PlannedEndpoint } from './plan.ts';

/** Gives a container its place in a network: addresses, MAC, names. Touches no link yet. */
export async function createEndpoint(
  context: NetworkContext,
  request: SandboxRequest,
  { network, settings }: PlannedEndpoint,
  takenInterfaces: readonly string[],
): Promise<StoredEndpoint> {
  const { assigned, mac } = network.pools
    ? await requestAddresses(context, network, settings)
    : { assigned: assignAddresses(context, network, settings), mac: settings.MacAddress };
  try {
    const [v4, v6] = [4, 6].map((family) => assigned.find(({ address }) => address.family === family));
    const { driver } = network;
    const routesByLink = driver === 'ipvlan' && isLayer3(network.options);
    const { remote } = driverOf(context, driver);
    const hasLink = driver !== 'host' && driver !== 'null' && !remote;
    const hasGateway = !routesByLink && !remote;
    return {
      id: newId(),
      networkId: network.id,
      networkName: network.name,
      driver,
      containerId: request.containerId,
      containerName: request.containerName,
      internal: network.internal,
      settings,
      dnsNames: network.predefined ? [] : dnsNames(request, settings.Aliases ?? []),
      macAddress: remote ? plainMac(mac) : hasLink && driver !== 'ipvlan' ? macFor(mac, v4) : '',
      interfaceName: hasLink ? interfaceName(network.options, settings.DriverOpts ?? {}, takenInterfaces) : '',
      hostLink: isBridged(network) ? `veth${randomBytes(4).toString('hex').slice(0, 7)}` : '',
      ...(v4 ? { ipv4: formatAddress(v4.address), ipv4PrefixLength: v4.subnet.length } : {}),
      ...(v6 ? { ipv6: formatAddress(v6.address), ipv6PrefixLength: v6.subnet.length } : {}),
      ...(routesByLink ? { routesByLink } : {}),
      ...(v4?.gateway && hasGateway ? { gateway4: formatAddress(v4.gateway) } : {}),
      ...(v6?.gateway && hasGateway ? { gateway6: formatAddress(v6.gateway) } : {}),
    };
  } catch (error) {
    for (const { address } of assigned) await releaseAddress(context, network, formatAddress(address));
    throw error;
  }
}

function assignAddresses(
  { addresses }: NetworkContext,
  { id }: StoredNetwork,
  { IPAMConfig }: EndpointSettings,
): AssignedAddress[] {
  const assigned: AssignedAddress[] = [];
  try {
    for (const family of [4, 6] as const) {
      const wanted = family === 4 ? IPAMConfig?.IPv4Address : IPAMConfig?.IPv6Address;
      const address = addresses.assign(id, family, parseAddress(wanted ?? ''));
      if (address) assigned.push(address);
    }
    return assigned;
  } catch (error) {
    for (const { address } of assigned) addresses.release(id, formatAddress(address));
    throw error;
  }
}

async function requestAddresses(
  { remoteIpam }: NetworkContext,
  network: StoredNetwork,
  { IPAMConfig, MacAddress }: EndpointSettings,
): Promise<{ assigned: AssignedAddress[]; mac: string }> {
  const mac = await remoteIpam.macFor(network, plainMac(MacAddress));
  return await transaction(async (undo) => {
    const assigned: AssignedAddress[] = [];
    for (const family of [4, 6] as const) {
      const wanted = (family === 4 ? IPAMConfig?.IPv4Address : IPAMConfig?.IPv6Address) ?? '';
      const given = await remoteIpam.assign(network, { family, wanted, mac });
      if (!given) continue;
      undo.defer(() => remoteIpam.release(network, formatAddress(given.address)));
      assigned.push(given);
    }
    return { assigned, mac };
  });
}

export async function releaseEndpoint(context: NetworkContext, endpoint: StoredEndpoint): Promise<void> {
  if (endpoint.hostLink !== '') context.firewall.spoofGuard?.release([endpoint.hostLink]);
  context.endpoints.remove(endpoint);
  const network = context.networks.get(endpoint.networkId);
  if (!network) return;
  for (const address of [endpoint.ipv4, endpoint.ipv6]) await releaseAddress(context, network, address);
}

async function releaseAddress(
  { addresses, remoteIpam }: NetworkContext,
  network: StoredNetwork,
  address: string | undefined,
): Promise<void> {
  if (network.pools) await remoteIpam.release(network, address);
  else addresses.release(network.id, address);
}

/** As Docker orders them in DNSNames: name, aliases, short id, hostname. */
export function dnsNames(request: SandboxRequest, aliases: readonly string[]): string[] {
  const { containerName, containerId, hostname } = request;
  const names = [containerName, ...aliases, containerId.slice(0, 12), hostname].filter((name) => name !== '');
  return [...new Set(names.map((name) => name.toLowerCase()))];
}

function plainMac(text: string): string {
  return text.toLowerCase().replaceAll('-', ':');
}

/** Docker's: from the address, so that a successor at the same address is the same neighbour. */
function macFor(wanted: string, v4: AssignedAddress | undefined): string {
  if (wanted) return plainMac(wanted);
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
