import type { Undo } from '@wharf/base/transaction';
import { runAll } from '@wharf/base/transaction';
import { closeNamespace, inNetworkNamespace, openNamespace } from '@wharf/sys/namespaces';
import { NetlinkBatch } from '@wharf/sys/netlink/batch';
import { linkByName, setLink } from '@wharf/sys/netlink/link';
import { NetlinkSocket } from '@wharf/sys/netlink/socket';
import type { NetworkContext } from '../context.ts';
import type { SandboxRequest } from '../networking.ts';
import { driverOf, findNetwork } from '../networks/find-network.ts';
import type { StoredEndpoint } from '../records.ts';

export interface RemoteJoin {
  readonly request: SandboxRequest;
  readonly endpoints: readonly StoredEndpoint[];
  readonly namespace: number;
  /** Interfaces that the container has besides. */
  readonly taken?: readonly string[];
}

/** Asks the plugins whose networks these endpoints are in; gives all endpoints with what was decided. */
export async function joinRemotes(
  context: NetworkContext,
  { request, endpoints, namespace, taken = [] }: RemoteJoin,
  undo: Undo,
): Promise<StoredEndpoint[]> {
  const joined: StoredEndpoint[] = [...endpoints];
  for (const [index, endpoint] of endpoints.entries()) {
    const { remote } = driverOf(context, endpoint.driver);
    if (!remote) continue;
    const network = findNetwork(context, endpoint.networkId);
    const names = [...taken, ...joined.map(({ interfaceName }) => interfaceName)];
    let result: StoredEndpoint = { ...endpoint, remote: { source: '', routes: [] } };
    undo.defer(() => leaveRemote(context, result, namespace));
    result = await remote.join({ network, endpoint, request }, `/proc/${process.pid}/fd/${namespace}`, names);
    context.endpoints.remove(endpoint);
    context.endpoints.add(result);
    undo.defer(() => context.endpoints.remove(result));
    joined[index] = result;
  }
  return joined;
}

/** Tells a plugin that its endpoint ends, and gives it back the interface that was its own. */
export async function leaveRemote(
  context: NetworkContext,
  endpoint: StoredEndpoint,
  namespace: number | undefined,
): Promise<void> {
  const { remote } = driverOf(context, endpoint.driver);
  if (!remote || !endpoint.remote) return;
  const failures = await runAll([
    () => remote.leave(endpoint),
    () => giveBack(endpoint, namespace),
    () => remote.deleteEndpoint(endpoint),
  ]);
  for (const error of failures) {
    context.log.warn('A plugin could not end an endpoint', { network: endpoint.networkName, error });
  }
}

/** Back to the host, under its own name: the plugin made the interface and removes it. */
function giveBack({ interfaceName, remote }: StoredEndpoint, namespace: number | undefined): void {
  if (namespace === undefined || interfaceName === '' || !remote?.source) return;
  using route = inNetworkNamespace(namespace, () => NetlinkSocket.open('route'));
  const link = linkByName(route, interfaceName);
  if (!link) return;
  const host = openNamespace('/proc/self/ns/net');
  try {
    const batch = new NetlinkBatch();
    setLink(batch, link.index, { up: false, name: remote.source, namespace: host });
    route.transact(batch, `give back ${remote.source}`);
  } finally {
    closeNamespace(host);
  }
}
