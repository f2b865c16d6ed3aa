import { invalidArgument } from '@wharf/base/error';
import { inNetworkNamespace } from '@wharf/sys/namespaces';
import { NetlinkBatch } from '@wharf/sys/netlink/batch';
import { linkByName, setLink } from '@wharf/sys/netlink/link';
import { addAddress, addLocalRoute, addRoute, deleteRoute, listRoutes, type Route } from '@wharf/sys/netlink/route';
import type { NetlinkSocket } from '@wharf/sys/netlink/socket';
import { addressBytes, parseAddress, parsePrefix } from '../address.ts';
import type { NetworkContext } from '../context.ts';
import { isBridged, linkName } from '../drivers/bridge.ts';
import { driverOf, findNetwork } from '../networks/find-network.ts';
import type { StoredEndpoint, StoredNetwork } from '../records.ts';
import { networkSysctlPath, parseInterfaceSysctls, writeSysctl } from '../sysctl.ts';

export interface Inside {
  readonly namespace: number;
  /** Of the namespace. */
  readonly route: NetlinkSocket;
  /** False where the container may send by other addresses than those it was given. */
  readonly guarded?: boolean;
}

/** Makes the endpoints' links and sets them up inside. */
export function attachEndpoints(context: NetworkContext, endpoints: readonly StoredEndpoint[], inside: Inside): void {
  const linked = endpoints.filter(({ interfaceName }) => interfaceName !== '');
  if (linked.length === 0) return;
  const networks = linked.map(({ networkId }) => findNetwork(context, networkId));
  const outer = new NetlinkBatch();
  for (const [position, endpoint] of linked.entries()) {
    const network = networks[position]!;
    driverOf(context, network.driver).link(outer, network, endpoint, inside.namespace);
  }
  context.route.transact(outer, 'create the interfaces of an endpoint');
  if (linked.some(needsSysctl)) inNetworkNamespace(inside.namespace, () => linked.forEach(writeEndpointSysctls));
  const { guarded = true } = inside;
  if (guarded) context.firewall.spoofGuard?.guard(linked.filter(isBridged));
  const inner = new NetlinkBatch();
  for (const endpoint of linked) configure(inner, inside.route, endpoint);
  inside.route.transact(inner, 'configure the interfaces of an endpoint');
  for (const [position, endpoint] of linked.entries())
    awaitCarrier(context, networks[position]!, endpoint, inside.route);
}

/**
 * An interface that came up sends, and a bridge's port forwards, only once the kernel's link watch has run; what is
 * sent before is lost, and tried again after a second. Since Linux 6.8 a query makes it run.
 */
function awaitCarrier(
  { route }: NetworkContext,
  network: StoredNetwork,
  { hostLink, interfaceName }: StoredEndpoint,
  inside: NetlinkSocket,
): void {
  if (hostLink !== '') {
    linkByName(route, hostLink);
    linkByName(route, linkName(network));
  }
  linkByName(inside, interfaceName);
}

function configure(batch: NetlinkBatch, route: NetlinkSocket, endpoint: StoredEndpoint): void {
  const link = linkByName(route, endpoint.interfaceName);
  if (!link) throw new Error(`Cannot configure ${endpoint.interfaceName}: it does not exist`);
  const { macAddress: mac, remote } = endpoint;
  setLink(batch, link.index, { up: true, ...(remote && mac && mac !== link.mac ? { mac } : {}) });
  const { ipv4, ipv4PrefixLength = 0, ipv6, ipv6PrefixLength = 0 } = endpoint;
  for (const { text, length } of [
    { text: ipv4, length: ipv4PrefixLength },
    { text: ipv6, length: ipv6PrefixLength },
  ]) {
    const address = parseAddress(text ?? '');
    if (!address) continue;
    addAddress(batch, link.index, { address: addressBytes(address), length });
    if (address.family === 6) addLocalRoute(batch, link.index, addressBytes(address));
  }
  for (const { destination, nextHop } of remote?.routes ?? []) {
    const to = parsePrefix(destination);
    if (!to) continue;
    const prefix = { address: addressBytes({ family: to.family, value: to.base }), length: to.length };
    const gateway = parseAddress(nextHop ?? '');
    addRoute(batch, { destination: prefix, ...(gateway ? { gateway: addressBytes(gateway) } : { link: link.index }) });
  }
}

export const endpointSysctls = 'com.docker.network.endpoint.sysctls';

function needsSysctl({ ipv6, settings }: StoredEndpoint): boolean {
  return ipv6 !== undefined || settings.DriverOpts?.[endpointSysctls] !== undefined;
}

function writeEndpointSysctls({ interfaceName, ipv6, settings }: StoredEndpoint): void {
  if (ipv6) writeSysctl(`net/ipv6/conf/${interfaceName}/disable_ipv6`, '0');
  for (const { name, value } of parseInterfaceSysctls(settings.DriverOpts?.[endpointSysctls] ?? '')) {
    const path = networkSysctlPath(name.replace('IFNAME', interfaceName.replaceAll('.', '/')));
    if (!writeSysctl(path, value)) throw invalidArgument(`cannot set ${name} of ${interfaceName} to ${value}`);
  }
}

interface DefaultRoute {
  readonly destination: { readonly address: Uint8Array; readonly length: 0 };
  readonly gateway?: Uint8Array;
  readonly link?: number;
}

/** Points the default routes at the gateways of these endpoints, and removes those that point elsewhere. */
export function setDefaultRoutes(
  route: NetlinkSocket,
  gateways: { readonly v4: StoredEndpoint | undefined; readonly v6: StoredEndpoint | undefined },
  options: { readonly fresh: boolean },
): void {
  const wanted = ([4, 6] as const).flatMap((family) => {
    const endpoint = family === 4 ? gateways.v4 : gateways.v6;
    return endpoint ? defaultRoutesBy(route, endpoint, family) : [];
  });
  const found = options.fresh ? [] : listRoutes(route).flatMap(asDefaultRoute);
  // What stays is not touched: in between a container would have no way out.
  const batch = new NetlinkBatch();
  for (const each of found) if (!wanted.some((other) => sameRoute(each, other))) deleteRoute(batch, each);
  for (const each of wanted) if (!found.some((other) => sameRoute(each, other))) addRoute(batch, each);
  if (batch.bytes.length > 0) route.transact(batch, 'set the default route');
}

function defaultRoutesBy(route: NetlinkSocket, endpoint: StoredEndpoint, family: 4 | 6): DefaultRoute[] {
  const destination = { address: new Uint8Array(family === 4 ? 4 : 16), length: 0 } as const;
  if (endpoint.routesByLink) {
    const link = linkByName(route, endpoint.interfaceName)?.index;
    return link === undefined ? [] : [{ destination, link }];
  }
  const gateway = parseAddress((family === 4 ? endpoint.gateway4 : endpoint.gateway6) ?? '');
  return gateway ? [{ destination, gateway: addressBytes(gateway) }] : [];
}

function asDefaultRoute({ address, length, gateway, link }: Route): DefaultRoute[] {
  if (length !== 0 || (gateway === undefined && link === undefined)) return [];
  return [{ destination: { address, length }, ...(gateway ? { gateway } : { link: link! }) }];
}

/** By the gateway, or by the link where there is none. */
function sameRoute(a: DefaultRoute, b: DefaultRoute): boolean {
  if (a.destination.address.length !== b.destination.address.length) return false;
  if (!a.gateway || !b.gateway) return !a.gateway && !b.gateway && a.link === b.link;
  return Buffer.compare(a.gateway, b.gateway) === 0;
}

/** Where ports are published: only a bridge's traffic passes the host's packet rules. */
export function publishingEndpoint(endpoints: readonly StoredEndpoint[]): StoredEndpoint | undefined {
  const bridged = endpoints.filter(isBridged);
  return gatewayEndpoint(bridged, 4) ?? gatewayEndpoint(bridged, 6);
}

/** The endpoint that provides the default gateway: highest priority, then first by network name. */
export function gatewayEndpoint(endpoints: readonly StoredEndpoint[], family: 4 | 6): StoredEndpoint | undefined {
  const able = endpoints.filter(
    ({ internal, routesByLink, ...of }) =>
      !internal &&
      (family === 4 ? (of.gateway4 ?? (routesByLink && of.ipv4)) : (of.gateway6 ?? (routesByLink && of.ipv6))),
  );
  return able.toSorted(
    (a, b) =>
      b.settings.GwPriority - a.settings.GwPriority ||
      (a.networkName < b.networkName ? -1 : a.networkName > b.networkName ? 1 : 0),
  )[0];
}
