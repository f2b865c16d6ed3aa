import { readFileSync } from 'node:fs';
import type { EndpointSettings, PortBinding } from '@wharf/api/network';
import { formatAddress } from '../address.ts';
import type { LiveSandbox, NetworkContext } from '../context.ts';
import { extendHosts, formatHosts, type HostsEntry, parseExtraHost } from '../files/hosts-file.ts';
import { bridgeResolvConf, type DnsOverrides, embeddedResolvConf, hostResolvConf } from '../files/resolv-conf.ts';
import { networkSubnets } from '../ipam/network-subnets.ts';
import type { Sandbox, SandboxRequest } from '../networking.ts';
import type { StoredEndpoint } from '../records.ts';
import { gatewayEndpoint } from './attach.ts';

/** A sandbox as the engine sees it. */
export function describeSandbox(context: NetworkContext, live: LiveSandbox): Sandbox {
  const { request, kind, endpoints, shared } = live.record;
  const path = `/proc/${process.pid}/fd/${live.namespace}`;
  // runc 1.1.15 takes whatever begins with /proc/<pid> for that process' own user namespace.
  const userPath = (fd: number) => `/proc/./${process.pid}/fd/${fd}`;
  return {
    containerId: request.containerId,
    namespace:
      kind === 'own'
        ? { kind: 'path', path, ...(live.user !== undefined && { user: userPath(live.user) }) }
        : kind === 'host'
          ? { kind: 'host' }
          : { kind: 'container', containerId: shared ?? '' },
    sandboxKey: kind === 'own' ? path : kind === 'host' ? '/proc/1/ns/net' : '',
    // Who asks for one of these seldom needs the others.
    get hosts() {
      return hostsContent(context, live);
    },
    get resolvConf() {
      return resolvConfContent(context, live);
    },
    endpoints: Object.fromEntries(endpoints.map((endpoint) => [endpoint.networkName, describeEndpoint(endpoint)])),
    get ports() {
      return describePorts(live);
    },
  };
}

function describeEndpoint(endpoint: StoredEndpoint): EndpointSettings {
  const { settings, dnsNames } = endpoint;
  return {
    ...settings,
    MacAddress: endpoint.macAddress,
    NetworkID: endpoint.networkId,
    EndpointID: endpoint.id,
    Gateway: endpoint.internal ? '' : (endpoint.gateway4 ?? ''),
    IPAddress: endpoint.ipv4 ?? '',
    IPPrefixLen: endpoint.ipv4PrefixLength ?? 0,
    IPv6Gateway: endpoint.internal ? '' : (endpoint.gateway6 ?? ''),
    GlobalIPv6Address: endpoint.ipv6 ?? '',
    GlobalIPv6PrefixLen: endpoint.ipv6PrefixLength ?? 0,
    DNSNames: dnsNames.length > 0 ? [...dnsNames] : null,
  };
}

function describePorts({ record }: LiveSandbox): Record<string, PortBinding[] | null> {
  if (record.kind !== 'own') return {};
  const ports: Record<string, PortBinding[] | null> = {};
  for (const port of record.request.exposedPorts) ports[port.includes('/') ? port : `${port}/tcp`] = null;
  for (const port of Object.keys(record.request.portBindings)) ports[port.includes('/') ? port : `${port}/tcp`] = null;
  for (const { containerPort, transport, hostAddress, hostPort } of record.ports) {
    const key = `${containerPort}/${transport}`;
    ports[key] = [...(ports[key] ?? []), { HostIp: hostAddress, HostPort: hostPort === 0 ? '' : String(hostPort) }];
  }
  return ports;
}

function overridesOf({ options }: NetworkContext, request: SandboxRequest): DnsOverrides {
  return {
    dns: request.dns.length > 0 ? request.dns : (options.dns ?? []),
    dnsSearch: request.dnsSearch.length > 0 ? request.dnsSearch : (options.dnsSearch ?? []),
    dnsOptions: request.dnsOptions.length > 0 ? request.dnsOptions : (options.dnsOptions ?? []),
  };
}

function resolvConfContent(context: NetworkContext, { record, dns }: LiveSandbox): string {
  const host = context.hostResolvConf.read();
  const overrides = overridesOf(context, record.request);
  if (record.kind === 'host') return hostResolvConf(host, overrides);
  return dns ? embeddedResolvConf(host, overrides) : bridgeResolvConf(host, overrides);
}

function hostsContent(context: NetworkContext, live: LiveSandbox): string {
  const { request, kind, endpoints } = live.record;
  const gateways = context.options.hostGateway ?? defaultGateways(context);
  const extra = request.extraHosts.flatMap((text) => parseExtraHost(text, gateways));
  if (kind === 'host') return extendHosts(readHostFile(), extra);
  const first = gatewayEndpoint(endpoints, 4);
  const ordered = first ? [first, ...endpoints.filter((endpoint) => endpoint !== first)] : endpoints;
  const own = ordered.flatMap(({ ipv4, ipv6 }) =>
    [ipv4, ipv6].flatMap((address) => (address ? [{ address, names: ownNames(request) }] : [])),
  );
  return formatHosts([...extra, ...linkEntries(context, request), ...own]);
}

function ownNames({ hostname, domainname }: SandboxRequest): string[] {
  return domainname === '' ? [hostname] : [`${hostname}.${domainname}`, hostname];
}

/** Legacy links: alias, id and name of the other container's address on the default bridge. */
function linkEntries(context: NetworkContext, { links }: SandboxRequest): HostsEntry[] {
  return links.flatMap(({ containerId, name, alias }) => {
    const other = context.live.get(containerId)?.record.endpoints.find(({ ipv4 }) => ipv4 !== undefined);
    if (!other?.ipv4) return [];
    return [{ address: other.ipv4, names: [...new Set([alias, containerId.slice(0, 12), name])] }];
  });
}

function defaultGateways({ networks }: NetworkContext): string[] {
  for (const network of networks.values()) {
    if (!network.predefined || network.name !== 'bridge') continue;
    return networkSubnets(network).flatMap(({ gateway }) => (gateway ? [formatAddress(gateway)] : []));
  }
  return [];
}

function readHostFile(): string {
  try {
    return readFileSync('/etc/hosts', 'utf8');
  } catch {
    return '127.0.0.1\tlocalhost\n';
  }
}
