import { conflict } from '@wharf/base/error';
import type { LiveSandbox, NetworkContext } from '../context.ts';
import { firewallPorts, holdPorts } from '../ports/publish.ts';
import { publishingEndpoint } from './attach.ts';
import { saveSandbox } from './open-sandbox.ts';

/** The ports of an open sandbox: apart from the rest, so that many can be had while something else is waited for. */
export function publishPorts(context: NetworkContext, containerId: string): void {
  const live = context.live.get(containerId);
  if (!live) throw conflict(`container ${containerId} has no network`);
  publish(context, live);
  const { portBindings, exposedPorts } = live.record.request;
  if (exposedPorts.length > 0 || Object.keys(portBindings).length > 0) saveSandbox(context, live);
}

/** Publishes the ports that are asked for on the gateway endpoint; nothing without one. */
export function publish(context: NetworkContext, live: LiveSandbox): void {
  const endpoint = publishingEndpoint(live.record.endpoints);
  if (!endpoint) return;
  const { held, ports } = holdPorts(context, live.record.request, endpoint);
  live.held = held;
  live.record = { ...live.record, ports };
  const published = firewallPorts(ports, endpoint);
  try {
    context.firewall.addPorts(published);
    live.published = published;
  } catch (error) {
    unpublish(context, live);
    throw error;
  }
}

export function unpublish(context: NetworkContext, live: LiveSandbox): void {
  context.firewall.removePorts(live.published);
  for (const port of live.held) context.ports.release(port);
  live.published = [];
  live.held = [];
  live.record = { ...live.record, ports: [] };
}
