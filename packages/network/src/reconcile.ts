import { hasErrno } from '@wharf/sys/errno';
import { inNetworkNamespace, openNamespace } from '@wharf/sys/namespaces';
import { NetlinkBatch } from '@wharf/sys/netlink/batch';
import { linkByName, listLinks, setLink } from '@wharf/sys/netlink/link';
import { NetlinkSocket } from '@wharf/sys/netlink/socket';
import { parseAddress } from './address.ts';
import type { LiveSandbox, NetworkContext } from './context.ts';
import { isBridged, linkName } from './drivers/bridge.ts';
import { linkOwner } from './drivers/link-owner.ts';
import { tunnelName } from './drivers/overlay.ts';
import { parentName } from './drivers/stacked-link.ts';
import { driverOf, findNetwork, networkLock } from './networks/find-network.ts';
import { ensurePredefined } from './networks/predefined.ts';
import { firewallPorts } from './ports/publish.ts';
import type { StoredEndpoint, StoredNetwork, StoredSandbox } from './records.ts';
import { attachEndpoints, gatewayEndpoint, publishingEndpoint, setDefaultRoutes } from './sandbox/attach.ts';
import { releaseEndpoint } from './sandbox/create-endpoint.ts';
import { leaveRemote } from './sandbox/join-remotes.ts';
import { newSandbox, saveSandbox, serveNames } from './sandbox/open-sandbox.ts';

/** Makes the kernel's state what the records say, and adopts the sandboxes whose container still runs. */
export async function reconcile(context: NetworkContext, running: ReadonlyMap<string, number>): Promise<void> {
  const gone = forgetGone(context, running);
  await ensurePredefined(context);
  await sweepLinks(context);
  for (const network of context.networks.values()) {
    context.addresses.add(network);
    try {
      driverOf(context, network.driver).ensure(network);
    } catch (error) {
      context.log.error('Cannot restore a network', { network: network.name, error });
    }
  }
  for (const record of [...context.sandboxes.values()]) {
    const { containerId } = record.request;
    const live = adopt(context, record, running.get(containerId) ?? 0);
    if (live) context.live.set(containerId, live);
    else {
      context.sandboxes.delete(containerId);
      gone.push(...record.endpoints);
    }
  }
  context.firewall.rewrite();
  for (const live of context.live.values()) restart(context, live);
  context.namespaces.warm();
  context.remappedNamespaces.warm();
  void giveBackToPlugins(context, gone);
}

function forgetGone({ sandboxes }: NetworkContext, running: ReadonlyMap<string, number>): StoredEndpoint[] {
  const gone = [...sandboxes.values()].filter(({ request }) => !running.has(request.containerId));
  for (const { request } of gone) sandboxes.delete(request.containerId);
  return gone.flatMap(({ endpoints }) => endpoints);
}

/**
 * What plugins gave to containers that ended while the daemon was away. Only who removes the network waits for it: a
 * plugin may be gone.
 */
async function giveBackToPlugins(context: NetworkContext, endpoints: readonly StoredEndpoint[]): Promise<void> {
  await Promise.all(
    endpoints.map(async (endpoint) => {
      const network = context.networks.get(endpoint.networkId);
      if (!network || (!endpoint.remote && !network.pools)) return;
      try {
        await context.locks.run(networkLock(network), async () => {
          await leaveRemote(context, endpoint, undefined);
          if (network.pools) await releaseEndpoint(context, endpoint);
        });
      } catch (error) {
        context.log.warn('A plugin could not take back an endpoint', { network: network.name, error });
      }
    }),
  );
}

/** Bridges and parents of networks that were being made or removed when the daemon died. */
const ownKinds = ['bridge', 'vlan', 'dummy', 'vxlan'];

/** Of all links that a network may have made. */
function linkNames(network: StoredNetwork): string[] {
  return [linkName(network), parentName(network), tunnelName(network)].filter((name) => name !== '');
}

async function sweepLinks({ route, remover, networks, options }: NetworkContext): Promise<void> {
  const known = new Set([...networks.values()].flatMap(linkNames));
  const owner = linkOwner(options.execRoot);
  for (const { kind, alias, name, index } of listLinks(route)) {
    if (ownKinds.includes(kind) && alias === owner && !known.has(name)) await remover.remove(index);
  }
}

/** Takes back the addresses, ports and namespace of a container that ran on while the daemon was away. */
function adopt(context: NetworkContext, record: StoredSandbox, pid: number): LiveSandbox | undefined {
  let namespace: number | undefined;
  try {
    namespace = record.kind === 'own' ? openNamespace(`/proc/${pid}/ns/net`) : undefined;
  } catch (error) {
    if (!hasErrno(error, 'ENOENT')) throw error;
    return undefined;
  }
  const live = newSandbox(record, namespace);
  for (const endpoint of record.endpoints) {
    for (const [family, text] of [
      [4, endpoint.ipv4],
      [6, endpoint.ipv6],
    ] as const) {
      const address = parseAddress(text ?? '');
      if (address) context.addresses.assign(endpoint.networkId, family, address);
    }
    context.endpoints.add(endpoint);
  }
  if (isGuarded(record)) context.firewall.spoofGuard?.guard(record.endpoints.filter(isBridged));
  holdAgain(context, live);
  return live;
}

/** Records of a daemon that did not guard yet do not say. */
function isGuarded({ request }: StoredSandbox): boolean {
  return request.choosesAddresses === false;
}

function holdAgain(context: NetworkContext, live: LiveSandbox): void {
  const { ports, endpoints, request } = live.record;
  for (const { transport, hostAddress, hostPort } of ports) {
    const address = parseAddress(hostAddress);
    if (!address || hostPort === 0) continue;
    const wish = { transport, address, first: hostPort, last: hostPort, holder: request.containerName };
    const held = context.ports.hold(wish);
    if (!('kind' in held)) live.held.push(held);
    else context.log.warn('A published port was taken while the daemon was away', { port: hostPort, ...request });
  }
  const endpoint = publishingEndpoint(endpoints);
  if (!endpoint) return;
  live.published = firewallPorts(ports, endpoint);
  context.firewall.addPorts(live.published);
}

function restart(context: NetworkContext, live: LiveSandbox): void {
  const container = live.record.request.containerId;
  try {
    restoreLinks(context, live);
    const before = live.record.dnsPorts;
    serveNames(context, live);
    if (live.record.dnsPorts?.udp !== before?.udp || live.record.dnsPorts?.tcp !== before?.tcp)
      saveSandbox(context, live);
  } catch (error) {
    context.log.error("Cannot restore a container's network", { container, error });
  }
}

/** Puts back what others removed since the daemon looked last. */
export async function repair(context: NetworkContext): Promise<void> {
  for (const network of context.networks.values()) {
    if (!isBridged(network) || linkNames(network).every((name) => linkByName(context.route, name))) continue;
    context.log.warn('A bridge was removed; it is made again', { network: network.name });
    driverOf(context, network.driver).ensure(network);
  }
  if (!context.firewall.isWhole()) {
    context.log.warn('The nf_tables table was flushed; it is written again');
    context.firewall.rewrite();
  }
  for (const live of context.live.values()) restoreLinks(context, live);
}

/** Ties the interfaces to their bridges again, and makes those anew that are gone. */
function restoreLinks(context: NetworkContext, { record, namespace }: LiveSandbox): void {
  if (namespace === undefined) return;
  const missing: StoredEndpoint[] = [];
  for (const endpoint of record.endpoints) {
    if (endpoint.hostLink === '') continue;
    const link = linkByName(context.route, endpoint.hostLink);
    if (!link) missing.push(endpoint);
    else rejoin(context, endpoint, link);
  }
  if (missing.length === 0) return;
  using route = inNetworkNamespace(namespace, () => NetlinkSocket.open('route'));
  attachEndpoints(context, missing, { namespace, route, guarded: isGuarded(record) });
  const gateways = { v4: gatewayEndpoint(record.endpoints, 4), v6: gatewayEndpoint(record.endpoints, 6) };
  setDefaultRoutes(route, gateways, { fresh: false });
}

function rejoin(
  { route, ...context }: NetworkContext,
  endpoint: StoredEndpoint,
  link: { index: number; master: number | undefined },
): void {
  const network = findNetwork(context, endpoint.networkId);
  const bridge = linkByName(route, linkName(network));
  if (!bridge || link.master === bridge.index) return;
  const batch = new NetlinkBatch();
  setLink(batch, link.index, { up: true, master: bridge.index });
  route.transact(batch, `tie ${endpoint.hostLink} to its bridge`);
}
