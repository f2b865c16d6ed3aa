import type { NetworkSettings } from '@wharf/api/container';
import type { EndpointSettings, PortBinding } from '@wharf/api/network';
import type { Networking, Sandbox } from '@wharf/network/networking';
import type { ContainerRecord } from './container-record.ts';

/** What a container's network looks like to clients: live from its sandbox, or the intent while it is down. */
export function networkSettings(networking: Networking, record: ContainerRecord): NetworkSettings {
  const sandbox = networking.sandbox(record.id);
  return {
    SandboxID: sandbox ? record.id : '',
    SandboxKey: sandbox?.sandboxKey ?? '',
    Ports: portsOf(sandbox),
    Networks: endpointsOf(networking, record, sandbox),
  };
}

export function portsOf(sandbox: Sandbox | undefined): Record<string, readonly PortBinding[] | null> {
  return sandbox ? { ...sandbox.ports } : {};
}

export function endpointsOf(
  networking: Networking,
  { endpoints }: ContainerRecord,
  sandbox: Sandbox | undefined,
): Record<string, EndpointSettings> {
  if (sandbox && Object.keys(sandbox.endpoints).length > 0) return { ...sandbox.endpoints };
  const down: Record<string, EndpointSettings> = {};
  for (const [name, settings] of Object.entries(endpoints)) {
    down[name] = { ...settings, NetworkID: networkId(networking, name) ?? settings.NetworkID };
  }
  return down;
}

function networkId(networking: Networking, name: string): string | undefined {
  return networking.networks().find((network) => network.name === name)?.id;
}
