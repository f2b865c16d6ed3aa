import type { PortMap } from '@wharf/api/network';
import { portKey } from '@wharf/api/port-key';
import type { SandboxRequest } from '@wharf/network/networking';
import { wantsCapability } from '@wharf/runtime/spec/capabilities';
import { networkSysctls } from '@wharf/runtime/spec/sysctls';
import type { ContainerDeps } from '../engine-deps.ts';
import type { ContainerRecord } from './container-record.ts';
import { linksForSandbox } from './links.ts';
import { idMappingOf } from './remapped.ts';

/** What a container asks of the network, from its record. */
export function sandboxRequest(
  deps: Pick<ContainerDeps, 'containers' | 'config'>,
  { id, name, config, hostConfig, endpoints }: ContainerRecord,
): SandboxRequest {
  return {
    containerId: id,
    containerName: name,
    hostname: config.Hostname,
    domainname: config.Domainname,
    networkMode: config.NetworkDisabled ? 'none' : hostConfig.NetworkMode,
    endpoints,
    exposedPorts: Object.keys(config.ExposedPorts).map(portKey),
    portBindings: fullKeys(hostConfig.PortBindings),
    publishAllPorts: hostConfig.PublishAllPorts,
    dns: hostConfig.Dns ?? [],
    dnsOptions: hostConfig.DnsOptions ?? [],
    dnsSearch: hostConfig.DnsSearch ?? [],
    extraHosts: hostConfig.ExtraHosts ?? [],
    links: linksForSandbox(deps, { hostConfig }),
    choosesAddresses: wantsCapability(
      { privileged: hostConfig.Privileged, add: hostConfig.CapAdd, drop: hostConfig.CapDrop },
      'CAP_NET_ADMIN',
    ),
    sysctls: networkSysctls(hostConfig),
    remapped: idMappingOf(deps.config, hostConfig) !== undefined,
  };
}

function fullKeys(bindings: PortMap): PortMap {
  const full: PortMap = {};
  for (const [key, hosts] of Object.entries(bindings))
    full[portKey(key)] = [...(full[portKey(key)] ?? []), ...(hosts ?? [])];
  return full;
}
