import { EngineError, invalidArgument } from '@wharf/base/error';
import type { SandboxRequest } from '@wharf/network/networking';
import { wantsCapability } from '@wharf/runtime/spec/capabilities';
import { networkSysctls } from '@wharf/runtime/spec/sysctls';
import type { ContainerDeps } from '../engine-deps.ts';
import type { ContainerRecord } from './container-record.ts';

/** What a container asks of the network, from its record. */
export function sandboxRequest(
  { containers }: Pick<ContainerDeps, 'containers'>,
  { id, name, config, hostConfig, endpoints }: ContainerRecord,
): SandboxRequest {
  return {
    containerId: id,
    containerName: name,
    hostname: config.Hostname,
    domainname: config.Domainname,
    networkMode: config.NetworkDisabled ? 'none' : hostConfig.NetworkMode,
    endpoints,
    exposedPorts: Object.keys(config.ExposedPorts),
    portBindings: hostConfig.PortBindings,
    publishAllPorts: hostConfig.PublishAllPorts,
    dns: hostConfig.Dns ?? [],
    dnsOptions: hostConfig.DnsOptions ?? [],
    dnsSearch: hostConfig.DnsSearch ?? [],
    extraHosts: hostConfig.ExtraHosts ?? [],
    links: (hostConfig.Links ?? []).map((link) => parseLink(containers, link)),
    choosesAddresses: wantsCapability(
      { privileged: hostConfig.Privileged, add: hostConfig.CapAdd, drop: hostConfig.CapDrop },
      'CAP_NET_ADMIN',
    ),
    sysctls: networkSysctls(hostConfig),
  };
}

function findLinked(containers: ContainerDeps['containers'], target: string): { id: string; name: string } {
  try {
    return containers.find(target);
  } catch (error) {
    throw invalidArgument(`could not get container for ${target}: ${EngineError.from(error).message}`);
  }
}

/** `container:alias`, or a container that is its own alias. */
function parseLink(containers: ContainerDeps['containers'], text: string): SandboxRequest['links'][number] {
  const [target = '', alias = target, ...rest] = text.split(':');
  if (target === '' || rest.length > 0) throw invalidArgument(`bad format for links: ${text}`);
  const { id, name } = findLinked(containers, target);
  return { containerId: id, name, alias: alias.slice(alias.lastIndexOf('/') + 1) };
}
