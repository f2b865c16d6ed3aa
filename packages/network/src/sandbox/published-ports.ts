import type { LiveSandbox, NetworkContext } from '../context.ts';
import { firewallPorts, holdPorts } from '../ports/publish.ts';
import { publishingEndpoint } from './attach.ts';

/** Publishes the ports that are asked for on the gateway endpoint; nothing without one. */
export function publish(context: NetworkContext, live: LiveSandbox): void {
  const endpoint = publishingEndpoint(live.record.endpoints);
  if (!endpoint) return;
  const { held, ports } = holdPorts(context, live.record.request, endpoint);
  live.held = held;
  live.record = { ...live.record, ports };
  live.published = firewallPorts(ports, endpoint);
  context.firewall.addPorts(live.published);
}

export function unpublish(context: NetworkContext, live: LiveSandbox): void {
  context.firewall.removePorts(live.published);
  for (const port of live.held) context.ports.release(port);
  live.published = [];
  live.held = [];
  live.record = { ...live.record, ports: [] };
}
