import type { StringMap } from './common.ts';

export interface PortBinding {
  HostIp: string;
  /** A port, a range `8000-8010`, or '' for one of the host's ephemeral range. */
  HostPort: string;
}

/** Keys as `80/tcp`. */
export type PortMap = Record<string, PortBinding[] | null>;

/** Keyed by network name or id. */
export interface NetworkingConfig {
  EndpointsConfig: Record<string, EndpointSettings>;
}

export interface EndpointIPAMConfig {
  IPv4Address?: string;
  IPv6Address?: string;
  LinkLocalIPs?: string[];
}

/** The first six are the user's intent, the rest what came of it. */
export interface EndpointSettings {
  IPAMConfig: EndpointIPAMConfig | null;
  Links: string[] | null;
  Aliases: string[] | null;
  MacAddress: string;
  DriverOpts: StringMap | null;
  /** The endpoint with the highest provides the default gateway. */
  GwPriority: number;
  NetworkID: string;
  EndpointID: string;
  Gateway: string;
  IPAddress: string;
  IPPrefixLen: number;
  IPv6Gateway: string;
  GlobalIPv6Address: string;
  GlobalIPv6PrefixLen: number;
  DNSNames: string[] | null;
}

export interface IPAM {
  Driver: string;
  Options: StringMap | null;
  Config: IPAMConfig[];
}

export interface IPAMConfig {
  Subnet?: string;
  IPRange?: string;
  Gateway?: string;
  AuxiliaryAddresses?: StringMap;
}

export interface NetworkCreateRequest {
  Name: string;
  Driver: string;
  Scope: string;
  /** `null` is the default: on. */
  EnableIPv4: boolean | null;
  /** `null` is the default: off. */
  EnableIPv6: boolean | null;
  IPAM: IPAM | null;
  Internal: boolean;
  Attachable: boolean;
  Ingress: boolean;
  ConfigOnly: boolean;
  ConfigFrom: { Network: string } | null;
  Options: StringMap;
  Labels: StringMap;
}

export interface NetworkCreateResponse {
  Id: string;
  Warning: string;
}

export interface NetworkConnectRequest {
  Container: string;
  EndpointConfig: EndpointSettings | null;
}

export interface NetworkDisconnectRequest {
  Container: string;
  Force: boolean;
}

export interface NetworkInspect {
  Name: string;
  Id: string;
  Created: string;
  Scope: string;
  Driver: string;
  EnableIPv4: boolean;
  EnableIPv6: boolean;
  IPAM: IPAM;
  Internal: boolean;
  Attachable: boolean;
  Ingress: boolean;
  ConfigFrom: { Network: string };
  ConfigOnly: boolean;
  /** Keyed by container id; empty in lists. */
  Containers: Record<string, NetworkContainer>;
  Options: StringMap;
  Labels: StringMap;
  /** Use of each subnet (1.52). */
  Status?: { IPAM: { Subnets: Record<string, { IPsInUse: number; DynamicIPsAvailable: number }> } };
}

export interface NetworkContainer {
  Name: string;
  EndpointID: string;
  MacAddress: string;
  /** With prefix length; '' without. */
  IPv4Address: string;
  IPv6Address: string;
}
