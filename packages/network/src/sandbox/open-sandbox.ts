import { invalidArgument } from '@wharf/base/error';
import { transaction, type Undo } from '@wharf/base/transaction';
import { inNetworkNamespace } from '@wharf/sys/namespaces';
import type { LiveSandbox, NetworkContext } from '../context.ts';
import { DnsServer } from '../dns/server.ts';
import type { SandboxRequest } from '../networking.ts';
import type { StoredEndpoint, StoredSandbox } from '../records.ts';
import { networkSysctlPath, writeSysctl } from '../sysctl.ts';
import { attachEndpoints, gatewayEndpoint, setDefaultRoutes } from './attach.ts';
import { closeSandbox } from './close-sandbox.ts';
import { createEndpoint, releaseEndpoint } from './create-endpoint.ts';
import { joinRemotes } from './join-remotes.ts';
import { nameView } from './name-view.ts';
import { discard } from './namespace-pool.ts';
import { type PlannedEndpoint, planSandbox } from './plan.ts';

/** Gives a container its network. Undoes itself on a throw; an older sandbox of the container is closed first. */
export async function openSandbox(context: NetworkContext, request: SandboxRequest): Promise<LiveSandbox> {
  const plan = planSandbox(context, request);
  await closeSandbox(context, request.containerId);
  if (plan.kind === 'container') {
    const record = { request, kind: plan.kind, shared: plan.containerId, endpoints: [], ports: [] };
    if (request.choosesAddresses) unguard(context, plan.containerId);
    return enlist(context, newSandbox(record, undefined));
  }
  return await transaction(async (undo) => {
    const placed = await makeEndpoints(context, request, plan.endpoints, undo);
    if (plan.kind === 'host') {
      return enlist(context, newSandbox({ request, kind: plan.kind, endpoints: placed, ports: [] }, undefined));
    }
    const ready = (request.remapped ? context.remappedNamespaces : context.namespaces).take();
    undo.defer(() => discard(ready));
    using route = ready.route;
    const endpoints = await joinRemotes(context, { request, endpoints: placed, namespace: ready.fd }, undo);
    const record: StoredSandbox = { request, kind: plan.kind, endpoints, ports: [] };
    const live = newSandbox(record, ready.fd, ready.user);
    attachEndpoints(context, endpoints, { namespace: ready.fd, route, guarded: !request.choosesAddresses });
    const gateways = { v4: gatewayEndpoint(endpoints, 4), v6: gatewayEndpoint(endpoints, 6) };
    setDefaultRoutes(route, gateways, { fresh: true });
    writeSysctls(request, ready.fd);
    undo.defer(() => live.dns?.close());
    serveNames(context, live);
    return enlist(context, live);
  });
}

/** Whoever joins a namespace with the right to give it addresses gives it to all in there. */
function unguard({ live, firewall }: NetworkContext, containerId: string): void {
  const endpoints = live.get(containerId)?.record.endpoints ?? [];
  firewall.spoofGuard?.release(endpoints.map(({ hostLink }) => hostLink));
}

async function makeEndpoints(
  context: NetworkContext,
  request: SandboxRequest,
  planned: readonly PlannedEndpoint[],
  undo: Undo,
): Promise<StoredEndpoint[]> {
  const endpoints: StoredEndpoint[] = [];
  for (const plan of planned) {
    const taken = endpoints.map(({ interfaceName }) => interfaceName);
    const endpoint = await createEndpoint(context, request, plan, taken);
    undo.defer(() => releaseEndpoint(context, endpoint));
    context.endpoints.add(endpoint);
    endpoints.push(endpoint);
  }
  return endpoints;
}

export function newSandbox(record: StoredSandbox, namespace: number | undefined, user?: number): LiveSandbox {
  return { record, namespace, user, dns: undefined, upstream: undefined, held: [], published: [] };
}

/** Of hundreds of ports no word is written here, in everybody's way: `publishPorts` does, beside what takes longer. */
function enlist({ sandboxes, live: all }: NetworkContext, live: LiveSandbox): LiveSandbox {
  const { request } = live.record;
  sandboxes.put(request.containerId, { ...live.record, request: { ...request, portBindings: {}, exposedPorts: [] } });
  all.set(request.containerId, live);
  return live;
}

export function saveSandbox({ sandboxes }: NetworkContext, { record }: LiveSandbox): void {
  sandboxes.put(record.request.containerId, record);
}

function writeSysctls({ sysctls }: SandboxRequest, namespace: number): void {
  const settings = Object.entries(sysctls).filter(([name]) => name.startsWith('net.'));
  if (settings.length === 0) return;
  inNetworkNamespace(namespace, () => {
    for (const [name, value] of settings) {
      if (!writeSysctl(networkSysctlPath(name), value)) throw invalidArgument(`cannot set sysctl ${name} to ${value}`);
    }
  });
}

/** Starts the DNS server where a network has names, once. */
export function serveNames(context: NetworkContext, live: LiveSandbox): void {
  const named = live.record.endpoints.some(({ dnsNames }) => dnsNames.length > 0);
  if (!named || live.dns || live.namespace === undefined) return;
  live.dns = DnsServer.open(live.namespace, nameView(context, live), live.record.dnsPorts);
  live.record = { ...live.record, dnsPorts: live.dns.ports };
}
