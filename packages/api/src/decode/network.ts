import { boolean, type Decoder, integer, list, map, nullable, struct, text } from '@wharf/base/decode';
import type {
  EndpointIPAMConfig,
  EndpointSettings,
  IPAM,
  IPAMConfig,
  NetworkConnectRequest,
  NetworkCreateRequest,
  NetworkDisconnectRequest,
  NetworkingConfig,
  PortBinding,
  PortMap,
} from '../network.ts';

const portBinding = struct<PortBinding>('PortBinding', { HostIp: text, HostPort: text });

export const portMap: Decoder<PortMap> = map(list(portBinding));

const sentEndpointIPAM = struct<Required<EndpointIPAMConfig>>('EndpointIPAMConfig', {
  IPv4Address: text,
  IPv6Address: text,
  LinkLocalIPs: (value, path) => list(text)(value, path) ?? [],
});

const endpointIPAM: Decoder<EndpointIPAMConfig> = (value, path) => withoutEmpty(sentEndpointIPAM(value, path));

export const endpointSettings = struct<EndpointSettings>('EndpointSettings', {
  IPAMConfig: nullable(endpointIPAM),
  Links: list(text),
  Aliases: list(text),
  MacAddress: text,
  DriverOpts: nullable(map(text)),
  GwPriority: integer,
  NetworkID: text,
  EndpointID: text,
  Gateway: text,
  IPAddress: text,
  IPPrefixLen: integer,
  IPv6Gateway: text,
  GlobalIPv6Address: text,
  GlobalIPv6PrefixLen: integer,
  DNSNames: list(text),
});

export const networkingConfig = struct<NetworkingConfig>('NetworkingConfig', {
  EndpointsConfig: map(endpointSettings),
});

const sentIPAMConfig = struct<Required<IPAMConfig>>('IPAMConfig', {
  Subnet: text,
  IPRange: text,
  Gateway: text,
  AuxiliaryAddresses: map(text),
});

const ipamConfig: Decoder<IPAMConfig> = (value, path) => withoutEmpty(sentIPAMConfig(value, path));

const ipam = struct<IPAM>('IPAM', {
  Driver: text,
  Options: nullable(map(text)),
  Config: (value, path) => list(ipamConfig)(value, path) ?? [],
});

export const networkCreateRequest = struct<NetworkCreateRequest>('CreateRequest', {
  Name: text,
  Driver: text,
  Scope: text,
  EnableIPv4: nullable(boolean),
  EnableIPv6: nullable(boolean),
  IPAM: nullable(ipam),
  Internal: boolean,
  Attachable: boolean,
  Ingress: boolean,
  ConfigOnly: boolean,
  ConfigFrom: nullable(struct<{ Network: string }>('ConfigReference', { Network: text })),
  Options: map(text),
  Labels: map(text),
});

export const networkConnectRequest = struct<NetworkConnectRequest>('ConnectRequest', {
  Container: text,
  EndpointConfig: nullable(endpointSettings),
});

export const networkDisconnectRequest = struct<NetworkDisconnectRequest>('DisconnectRequest', {
  Container: text,
  Force: boolean,
});

function withoutEmpty<T extends object>(value: T): Partial<T> {
  const kept = Object.entries(value).filter(([, item]) => item !== '' && Object.keys(item).length > 0);
  return Object.fromEntries(kept) as Partial<T>;
}
