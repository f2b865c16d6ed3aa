import type { NetworkContext } from '../context.ts';
import type { SandboxRequest } from '../networking.ts';
import { dnsNames } from './create-endpoint.ts';
import { saveSandbox } from './open-sandbox.ts';

/** Gives a container's endpoints its new name. Does nothing for one without a sandbox. */
export function renameSandbox(context: NetworkContext, containerId: string, name: string): void {
  const live = context.live.get(containerId);
  if (!live) return;
  const request = { ...live.record.request, containerName: name };
  const endpoints = live.record.endpoints.map((endpoint) => {
    const names = endpoint.dnsNames.length === 0 ? [] : dnsNames(request, endpoint.settings.Aliases ?? []);
    const renamed = { ...endpoint, containerName: name, dnsNames: names };
    context.endpoints.remove(endpoint);
    context.endpoints.add(renamed);
    return renamed;
  });
  live.record = { ...live.record, request, endpoints };
  saveSandbox(context, live);
}

/** What a container's /etc/hosts says of others. */
export function relinkSandbox(context: NetworkContext, containerId: string, links: SandboxRequest['links']): void {
  const live = context.live.get(containerId);
  if (!live) return;
  live.record = { ...live.record, request: { ...live.record.request, links } };
  saveSandbox(context, live);
}
