import type { IdMapping } from '@wharf/base/id-mapping';
import type { KeyedLock } from '@wharf/base/keyed-lock';
import type { Logger } from '@wharf/base/logger';
import type { NetlinkSocket } from '@wharf/sys/netlink/socket';
import type { DnsServer } from './dns/server.ts';
import type { Upstream } from './dns/upstream.ts';
import type { NetworkDriver } from './drivers/network-driver.ts';
import type { HostResolvConf } from './files/host-resolv-conf.ts';
import type { Firewall } from './firewall/firewall.ts';
import type { FirewallPort } from './firewall/ruleset.ts';
import type { AddressBook } from './ipam/address-book.ts';
import type { PoolRegion } from './ipam/default-pools.ts';
import type { LinkRemover } from './links/link-remover.ts';
import type { ForeignRoutes } from './networks/host-routes.ts';
import type { NetworkPlugins } from './plugins/network-plugins.ts';
import type { RemoteIpam } from './plugins/remote-ipam.ts';
import type { HeldPort, PortAllocator } from './ports/port-allocator.ts';
import type { NetworkStore, Records, StoredNetwork, StoredSandbox } from './records.ts';
import type { EndpointIndex } from './sandbox/endpoint-index.ts';
import type { NamespacePool } from './sandbox/namespace-pool.ts';

export interface DefaultBridgeOptions {
  /** `none` has no default bridge; a name is used, and made if missing; undefined picks a free `wharf<n>`. */
  readonly bridge?: string;
  /** Gateway with prefix length, as dockerd's --bip. */
  readonly bip?: string;
  readonly fixedCidr?: string;
  readonly defaultGateway?: string;
  readonly ipv6?: boolean;
  /** As `bip`, for IPv6; a subnet of this host's own unique local addresses where nothing is named. */
  readonly bip6?: string;
  readonly fixedCidrV6?: string;
  readonly defaultGatewayV6?: string;
  readonly mtu?: number;
  readonly icc?: boolean;
  readonly ipMasquerade?: boolean;
  /** Where ports are published that name no address (--ip). */
  readonly publishAddress?: string;
}

export interface LinuxNetworkingOptions {
  readonly store: NetworkStore;
  readonly log: Logger;
  /** Network and IPAM drivers that are plugins; there are none without it. */
  readonly plugins?: NetworkPlugins;
  /** Names this daemon's table and marks its links, so that several live side by side. */
  readonly execRoot: string;
  readonly defaultBridge?: DefaultBridgeOptions;
  /** Replaces the regions that subnets are taken from (default-address-pools). */
  readonly addressPools?: readonly PoolRegion[];
  /** Options of new networks that do not have them, by driver (default-network-opts). */
  readonly defaultNetworkOptions?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** What `host-gateway` stands for; the default bridge's gateway without it. */
  readonly hostGateway?: readonly string[];
  /** Defaults for containers that set none of their own. */
  readonly dns?: readonly string[];
  readonly dnsSearch?: readonly string[];
  readonly dnsOptions?: readonly string[];
  readonly resolvConfPath?: string;
  /** Namespaces made ahead; 0 makes each when it is needed. */
  readonly readyNamespaces?: number;
  /** Ids of remapped containers. */
  readonly idMapping?: IdMapping;
}

/** A sandbox that exists in the kernel, or stands for one that it shares. */
export interface LiveSandbox {
  record: StoredSandbox;
  /** Descriptor of its network namespace; undefined for shared ones. */
  readonly namespace: number | undefined;
  /** Descriptor of the user namespace that a remapped container is to join; later its process holds it. */
  readonly user: number | undefined;
  dns: DnsServer | undefined;
  /** Asks the name servers that were set for this container, from inside. */
  upstream: Upstream | undefined;
  held: HeldPort[];
  published: FirewallPort[];
}

/** What the verbs of this package work on. */
export interface NetworkContext {
  readonly options: LinuxNetworkingOptions;
  readonly log: Logger;
  readonly store: NetworkStore;
  readonly networks: Records<StoredNetwork>;
  readonly sandboxes: Records<StoredSandbox>;
  readonly route: NetlinkSocket;
  readonly firewall: Firewall;
  readonly remover: LinkRemover;
  readonly ports: PortAllocator;
  readonly namespaces: NamespacePool;
  /** For remapped containers, each with a user namespace. */
  readonly remappedNamespaces: NamespacePool;
  /** Those of plugins are added when they are first asked for. */
  readonly drivers: Map<string, NetworkDriver>;
  readonly remoteIpam: RemoteIpam;
  readonly addresses: AddressBook;
  readonly foreignRoutes: ForeignRoutes;
  readonly endpoints: EndpointIndex;
  readonly live: Map<string, LiveSandbox>;
  readonly locks: KeyedLock;
  readonly hostResolvConf: HostResolvConf;
  readonly upstream: Upstream;
}
