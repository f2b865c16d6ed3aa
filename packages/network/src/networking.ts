import type { EndpointSettings, IPAM, PortBinding, PortMap } from '@wharf/api/network';

/** What the engine asks of container networking. Implemented by LinuxNetworking; records survive in the metadata. */
export interface Networking {
  /**
   * Rewrites kernel state (bridges, nft table, port map, DNS) from the records, and adopts living sandboxes:
   * `running` maps the id of each running container to its init's pid. Sandboxes of others are released.
   */
  reconcile(running: ReadonlyMap<string, number>): Promise<void>;
  /** Brings back what others removed: bridges, the nft table. Cheap where nothing is missing. */
  repair(): Promise<void>;

  createNetwork(spec: NetworkSpec): Promise<{ id: string; warnings: string[] }>;
  removeNetwork(nameOrId: string): Promise<void>;
  /** By full id, exact name, then unique id prefix; not_found `network x not found`. */
  network(nameOrId: string): NetworkRecord;
  networks(): readonly NetworkRecord[];
  /** Names of the drivers that are built in, and of the plugins that networks have. */
  drivers(): readonly string[];
  /** Containers attached now, for inspect's `Containers` and prune's in-use test. */
  endpointsOf(networkId: string): readonly EndpointRecord[];

  /** How full the subnets of a network are. */
  addressUse(networkId: string): readonly SubnetUse[];

  /** Throws Docker's error where create must refuse: unknown network, address outside the subnet, bad port... */
  validate(request: SandboxRequest): void;
  /** Allocates addresses, makes the netns and its interfaces, starts its DNS. Undoes itself on a throw. */
  openSandbox(request: SandboxRequest): Promise<Sandbox>;
  /** Takes the ports that an open sandbox asked for, and sends them on to it. Undoes itself on a throw. */
  publishPorts(containerId: string): Promise<void>;
  /** Releases all of it. Idempotent; never waits for the kernel to remove a veth. */
  closeSandbox(containerId: string): Promise<void>;
  sandbox(containerId: string): Sandbox | undefined;

  /** To a running container, live; to a stopped one the engine only notes it. */
  connect(containerId: string, network: string, settings: EndpointSettings): Promise<void>;
  disconnect(containerId: string, network: string, options: { force: boolean }): Promise<void>;
  /** Other legacy links for /etc/hosts. */
  relink(containerId: string, links: SandboxRequest['links']): void;
  /** New name for DNS answers. */
  rename(containerId: string, name: string): void;
  /**
   * Lets go of sockets and namespaces; running containers keep their network. With `removeHostState` the bridges
   * and the nft table go too, unless sandboxes remain.
   */
  close(options?: { removeHostState: boolean }): Promise<void>;
}

export interface NetworkSpec {
  readonly name: string;
  readonly driver: string;
  readonly internal: boolean;
  readonly attachable: boolean;
  readonly ingress: boolean;
  readonly enableIPv4: boolean;
  readonly enableIPv6: boolean;
  readonly ipam: IPAM;
  readonly options: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly configOnly: boolean;
  readonly configFrom?: string;
}

export interface NetworkRecord extends NetworkSpec {
  readonly id: string;
  /** RFC 3339 with nanoseconds. */
  readonly created: string;
  readonly scope: 'local';
  /** bridge, host and none: cannot be removed. */
  readonly predefined: boolean;
}

export interface EndpointRecord {
  readonly id: string;
  readonly networkId: string;
  readonly containerId: string;
  readonly containerName: string;
  readonly macAddress: string;
  readonly ipv4?: string;
  readonly ipv4PrefixLength?: number;
  readonly ipv6?: string;
  readonly ipv6PrefixLength?: number;
}

export interface SubnetUse {
  /** `172.18.0.0/24` */
  readonly subnet: string;
  /** Reserved ones too: network, broadcast, gateway. */
  readonly inUse: number;
  /** Those that a container may still be given without asking for one. */
  readonly available: number;
}

export interface SandboxRequest {
  readonly containerId: string;
  /** Without the leading slash. */
  readonly containerName: string;
  readonly hostname: string;
  readonly domainname: string;
  /** bridge (also for `default`), host, none, container:<id>, or a network's name. */
  readonly networkMode: string;
  /** By network name. */
  readonly endpoints: Readonly<Record<string, EndpointSettings>>;
  readonly exposedPorts: readonly string[];
  readonly portBindings: PortMap;
  readonly publishAllPorts: boolean;
  readonly dns: readonly string[];
  readonly dnsOptions: readonly string[];
  readonly dnsSearch: readonly string[];
  readonly extraHosts: readonly string[];
  /** Legacy --link: `container:alias`, resolved to ids by the engine. */
  readonly links: readonly { readonly containerId: string; readonly name: string; readonly alias: string }[];
  /** It can give itself other addresses, and may use them: it has CAP_NET_ADMIN. */
  readonly choosesAddresses: boolean;
  /** Written into the network namespace. */
  readonly sysctls: Readonly<Record<string, string>>;
  /** Its users are others on the host: its network namespace belongs to a user namespace that it joins. */
  readonly remapped?: boolean;
}

export interface Sandbox {
  readonly containerId: string;
  /** For the runtime spec: a path to join; `new` for an empty namespace; `host`. */
  readonly namespace: /** `user` is the user namespace that it belongs to, of a sandbox that was opened for a remapped container. */
    | { readonly kind: 'path'; readonly path: string; readonly user?: string }
    | { readonly kind: 'host' }
    | { readonly kind: 'container'; readonly containerId: string };
  readonly sandboxKey: string;
  /** Contents for the container's own files. */
  readonly hosts: string;
  readonly resolvConf: string;
  /** As inspect shows them: keyed by network name. */
  readonly endpoints: Readonly<Record<string, EndpointSettings>>;
  readonly ports: Readonly<Record<string, readonly PortBinding[] | null>>;
}
