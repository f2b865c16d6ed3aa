import type { HostConfig } from '@wharf/api/container';
import { isPrivateNetwork } from './modes.ts';

/** Safe to grant, and most images expect them: ping and ports below 1024 without a capability. */
const networkDefaults = {
  'net.ipv4.ping_group_range': '0 2147483647',
  'net.ipv4.ip_unprivileged_port_start': '0',
};

/**
 * The sysctls of a network namespace made for this container: whoever makes the namespace may write them, ahead of
 * the container's start. Empty where the container joins another's, or the host's.
 */
export function networkSysctls(hostConfig: HostConfig): Record<string, string> {
  if (!isPrivateNetwork(hostConfig.NetworkMode)) return {};
  return { ...networkDefaults, ...pick(hostConfig.Sysctls, (name) => name.startsWith('net.')) };
}

/** All that the runtime has to write itself; `networkReady` says that `networkSysctls` are written already. */
export function createSysctls(hostConfig: HostConfig, networkReady: boolean): Record<string, string> {
  if (!networkReady) return { ...networkSysctls(hostConfig), ...hostConfig.Sysctls };
  return pick(hostConfig.Sysctls, (name) => !name.startsWith('net.'));
}

function pick(record: Readonly<Record<string, string>>, keep: (name: string) => boolean): Record<string, string> {
  return Object.fromEntries(Object.entries(record).filter(([name]) => keep(name)));
}
