import type { EndpointSettings } from '@wharf/api/network';
import type { EndpointRecord, NetworkRecord, SandboxRequest } from './networking.ts';
import type { PortTransport } from './ports/publish-request.ts';

/** What this package asks of the metadata. */
export interface NetworkStore {
  collection<T extends object>(name: string, options?: { readonly relaxed?: boolean }): Records<T>;
}

export interface Records<T extends object> {
  get(id: string): T | undefined;
  put(id: string, value: T): void;
  delete(id: string): boolean;
  values(): IterableIterator<T>;
}

/** A network as it is kept, keyed by id. `ipam.Config` holds what was allocated, not only what was asked. */
export interface StoredNetwork extends NetworkRecord {
  /** Name of its bridge. */
  readonly link?: string;
  /** The subnet was the user's choice: containers may choose their addresses. */
  readonly userSubnet: boolean;
  /** Where its addresses are a plugin's: what the plugin calls them. */
  readonly pools?: readonly RemotePool[];
  readonly addressSpace?: string;
}

export interface RemotePool {
  readonly id: string;
  /** With prefix length. */
  readonly subnet: string;
  /** The gateway and auxiliary addresses that were asked for. */
  readonly taken: readonly string[];
}

/** A route that a plugin wants in the container. */
export interface RemoteRoute {
  /** With prefix length. */
  readonly destination: string;
  /** Without it the destination is on the link. */
  readonly nextHop?: string;
}

export interface StoredEndpoint extends EndpointRecord {
  readonly networkName: string;
  readonly driver: string;
  /** Inside the container; '' where the network gives no interface. */
  readonly interfaceName: string;
  /** The host's end; '' where there is none. */
  readonly hostLink: string;
  readonly gateway4?: string;
  readonly gateway6?: string;
  /** There is no gateway: whatever has no route of its own leaves by the link itself. */
  readonly routesByLink?: boolean;
  /** An internal network's gateway is never the container's. */
  readonly internal: boolean;
  /** As asked for. */
  readonly settings: EndpointSettings;
  /** Lower case; what the network's other containers may call it. */
  readonly dnsNames: readonly string[];
  /** Of a plugin: the interface's name outside, and the container's routes. */
  readonly remote?: { readonly source: string; readonly routes: readonly RemoteRoute[] };
}

export interface StoredPort {
  readonly transport: PortTransport;
  readonly containerPort: number;
  /** 0 where the network is routed: no port of the host stands for it. */
  readonly hostPort: number;
  /** As text, unspecified for all of its family. */
  readonly hostAddress: string;
}

/** A container's network, keyed by the container's id. Its existence means that the container may be running. */
export interface StoredSandbox {
  readonly request: SandboxRequest;
  readonly kind: 'own' | 'host' | 'container';
  /** The container whose network is shared. */
  readonly shared?: string;
  readonly endpoints: readonly StoredEndpoint[];
  readonly ports: readonly StoredPort[];
  readonly dnsPorts?: { readonly udp: number; readonly tcp: number };
}
