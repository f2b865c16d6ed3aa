import type { NetworkContainer, NetworkInspect } from '@wharf/api/network';
import type { EndpointRecord, NetworkRecord } from '@wharf/network/networking';

/** A network as clients see it; a list leaves the containers out. */
export function viewNetwork(network: NetworkRecord, endpoints: readonly EndpointRecord[]): NetworkInspect {
  return {
    Name: network.name,
    Id: network.id,
    Created: network.created,
    Scope: network.scope,
    Driver: network.driver,
    EnableIPv4: network.enableIPv4,
    EnableIPv6: network.enableIPv6,
    IPAM: network.ipam,
    Internal: network.internal,
    Attachable: network.attachable,
    Ingress: network.ingress,
    ConfigFrom: { Network: network.configFrom ?? '' },
    ConfigOnly: network.configOnly,
    Containers: Object.fromEntries(endpoints.map((endpoint) => [endpoint.containerId, viewContainer(endpoint)])),
    Options: { ...network.options },
    Labels: { ...network.labels },
  };
}

function viewContainer(endpoint: EndpointRecord): NetworkContainer {
  const { containerName, id, macAddress, ipv4, ipv4PrefixLength, ipv6, ipv6PrefixLength } = endpoint;
  return {
    Name: containerName,
    EndpointID: id,
    MacAddress: macAddress,
    IPv4Address: ipv4 === undefined ? '' : `${ipv4}/${ipv4PrefixLength}`,
    IPv6Address: ipv6 === undefined ? '' : `${ipv6}/${ipv6PrefixLength}`,
  };
}
