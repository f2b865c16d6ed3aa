import type { EndpointSettings } from '@wharf/api/network';
import { conflict, EngineError } from '@wharf/base/error';
import { transaction } from '@wharf/base/transaction';
import { inNetworkNamespace } from '@wharf/sys/namespaces';
import { NetlinkSocket } from '@wharf/sys/netlink/socket';
import type { LiveSandbox, NetworkContext } from '../context.ts';
import { findNetwork } from '../networks/find-network.ts';
import { firewallPorts } from '../ports/publish.ts';
import { attachEndpoints, gatewayEndpoint, publishingEndpoint, setDefaultRoutes } from './attach.ts';
import { createEndpoint, releaseEndpoint } from './create-endpoint.ts';
import { joinRemotes, leaveRemote } from './join-remotes.ts';
import { saveSandbox, serveNames } from './open-sandbox.ts';
import { checkSettings } from './plan.ts';
import { publish } from './published-ports.ts';
import { removeInterface } from './remove-interface.ts';

export interface ConnectRequest {
  readonly containerId: string;
  readonly network: string;
  readonly settings: EndpointSettings;
}

/** Adds a network to a running container. Undoes itself on a throw. */
export async function connectSandbox(context: NetworkContext, request: ConnectRequest): Promise<void> {
  const { live, namespace } = ownSandbox(context, request.containerId);
  const network = findNetwork(context, request.network);
  if (network.driver === 'host') {
    throw conflict('container cannot be disconnected from host network or connected to host network');
  }
  const { endpoints } = live.record;
  if (network.driver === 'null' || endpoints.some(({ driver }) => driver === 'null')) {
    throw conflict(
      'container cannot be connected to multiple networks with one of the networks in private (none) mode',
    );
  }
  if (endpoints.some(({ networkId }) => networkId === network.id)) {
    throw new EngineError(
      'permission_denied',
      `endpoint with name ${live.record.request.containerName} already exists in network ${network.name}`,
    );
  }
  checkSettings({ network, settings: request.settings });
  await transaction(async (undo) => {
    const taken = endpoints.map(({ interfaceName }) => interfaceName);
    const of = live.record.request;
    const placed = await createEndpoint(context, of, { network, settings: request.settings }, taken);
    undo.defer(() => releaseEndpoint(context, placed));
    context.endpoints.add(placed);
    const [endpoint = placed] = await joinRemotes(
      context,
      { request: of, endpoints: [placed], namespace, taken },
      undo,
    );
    using route = inNetworkNamespace(namespace, () => NetlinkSocket.open('route'));
    const guarded = !of.choosesAddresses;
    attachEndpoints(context, [endpoint], { namespace, route, guarded });
    if (!endpoint.remote) undo.defer(() => removeInterface(context, endpoint, namespace));
    const before = live.record;
    undo.defer(() => {
      live.record = before;
    });
    live.record = { ...before, endpoints: [...endpoints, endpoint] };
    followGateway(context, live, route);
    serveNames(context, live);
    saveSandbox(context, live);
  });
}

/** Takes a network from a running container. */
export async function disconnectSandbox(
  context: NetworkContext,
  { containerId, network: nameOrId }: { containerId: string; network: string },
): Promise<void> {
  const network = findNetwork(context, nameOrId);
  const { live, namespace } = ownSandbox(context, containerId);
  const endpoint = live.record.endpoints.find(({ networkId }) => networkId === network.id);
  if (!endpoint) {
    throw new EngineError('permission_denied', `container ${containerId} is not connected to network ${network.name}`);
  }
  live.record = { ...live.record, endpoints: live.record.endpoints.filter((other) => other !== endpoint) };
  context.endpoints.remove(endpoint);
  {
    using route = inNetworkNamespace(namespace, () => NetlinkSocket.open('route'));
    followGateway(context, live, route);
  }
  if (endpoint.remote) await leaveRemote(context, endpoint, namespace);
  else await removeInterface(context, endpoint, namespace);
  await releaseEndpoint(context, endpoint);
  saveSandbox(context, live);
}

function ownSandbox(context: NetworkContext, containerId: string): { live: LiveSandbox; namespace: number } {
  const live = context.live.get(containerId);
  if (!live) throw conflict(`container ${containerId} is not running`);
  if (live.record.kind === 'host') {
    throw conflict('container cannot be disconnected from host network or connected to host network');
  }
  if (live.namespace === undefined) {
    throw conflict(
      'container sharing network namespace with another container or host cannot be connected to any other network',
    );
  }
  return { live, namespace: live.namespace };
}

/** Default routes and published ports go with whichever endpoint is the gateway now. */
function followGateway(context: NetworkContext, live: LiveSandbox, route: NetlinkSocket): void {
  const { endpoints, ports } = live.record;
  const gateways = { v4: gatewayEndpoint(endpoints, 4), v6: gatewayEndpoint(endpoints, 6) };
  setDefaultRoutes(route, gateways, { fresh: false });
  const endpoint = publishingEndpoint(endpoints);
  if (ports.length === 0) {
    publish(context, live);
    return;
  }
  const published = endpoint ? firewallPorts(ports, endpoint) : [];
  context.firewall.removePorts(live.published);
  live.published = published;
  context.firewall.addPorts(published);
}
