import { emptyStruct, integer, list, struct, text } from '@wharf/base/decode';
import { EngineError } from '@wharf/base/error';
import type { Logger } from '@wharf/base/logger';
import type { NetlinkBatch } from '@wharf/sys/netlink/batch';
import { linkByName, setLink } from '@wharf/sys/netlink/link';
import type { NetlinkSocket } from '@wharf/sys/netlink/socket';
import { formatAddress, formatPrefix, parseAddress, parseInterface } from '../address.ts';
import type { NetworkDriver } from '../drivers/network-driver.ts';
import { networkSubnets } from '../ipam/network-subnets.ts';
import type { SandboxRequest } from '../networking.ts';
import { parsePublishRequests } from '../ports/publish-request.ts';
import type { RemoteRoute, StoredEndpoint, StoredNetwork } from '../records.ts';
import { askPlugin, impatient, type NetworkPlugins, type PluginPatience } from './network-plugins.ts';

export interface RemoteDriverOptions {
  readonly name: string;
  readonly plugins: NetworkPlugins;
  readonly route: NetlinkSocket;
  readonly log: Logger;
}

/** A container's place in a plugin's network. */
export interface RemotePlace {
  readonly network: StoredNetwork;
  readonly endpoint: StoredEndpoint;
  readonly request: SandboxRequest;
}

const decodeCapabilities = struct<{ Scope: string }>('Capabilities', { Scope: text });

interface EndpointInterface {
  readonly Address: string;
  readonly AddressIPv6: string;
  readonly MacAddress: string;
}

const decodeEndpoint = struct<{ Interface: EndpointInterface }>('CreateEndpointResponse', {
  Interface: struct<EndpointInterface>('EndpointInterface', { Address: text, AddressIPv6: text, MacAddress: text }),
});

interface StaticRoute {
  readonly Destination: string;
  /** 0 goes by the next hop, 1 is on the link. */
  readonly RouteType: number;
  readonly NextHop: string;
}

interface JoinResponse {
  readonly InterfaceName: { readonly SrcName: string; readonly DstPrefix: string };
  readonly Gateway: string;
  readonly GatewayIPv6: string;
  readonly StaticRoutes: StaticRoute[] | null;
}

const decodeJoin = struct<JoinResponse>('JoinResponse', {
  InterfaceName: struct<JoinResponse['InterfaceName']>('InterfaceName', { SrcName: text, DstPrefix: text }),
  Gateway: text,
  GatewayIPv6: text,
  StaticRoutes: list(struct<StaticRoute>('StaticRoute', { Destination: text, RouteType: integer, NextHop: text })),
});

/** IPPROTO_* */
const protocols = { tcp: 6, udp: 17, sctp: 132 } as const;

/** A network driver that is a plugin: libnetwork docs/remote.md. */
export class RemoteDriver implements NetworkDriver {
  readonly #options: RemoteDriverOptions;

  constructor(options: RemoteDriverOptions) {
    this.#options = options;
  }

  get remote(): this {
    return this;
  }

  validate(): void {}

  /** The plugin keeps its own networks. */
  ensure(): void {}

  /** Throws not_found without such a plugin. */
  async check(): Promise<void> {
    const { Scope } = await this.#ask('GetCapabilities', undefined, decodeCapabilities);
    if (Scope === 'global') {
      throw new EngineError('permission_denied', 'datastore for scope "global" is not initialized');
    }
    if (Scope !== 'local') {
      throw new EngineError('internal', `invalid capability: expecting 'local' or 'global', got '${Scope}'`);
    }
  }

  async create(network: StoredNetwork): Promise<void> {
    await this.#ask('CreateNetwork', {
      NetworkID: network.id,
      Options: {
        'com.docker.network.generic': network.options,
        ...(network.internal ? { 'com.docker.network.internal': true } : {}),
        ...(network.enableIPv6 ? { 'com.docker.network.enable_ipv6': true } : {}),
      },
      IPv4Data: addressData(network, 4),
      IPv6Data: addressData(network, 6),
    });
  }

  /** A plugin that has gone must not keep its networks from being removed. */
  async remove({ id, name }: StoredNetwork): Promise<void> {
    try {
      await this.#ask('DeleteNetwork', { NetworkID: id }, emptyStruct, impatient);
    } catch (error) {
      this.#options.log.warn('A plugin could not remove its network', { network: name, error });
    }
  }

  /** Makes the endpoint and joins the sandbox to it. Gives the endpoint with what the plugin decided. */
  async join(place: RemotePlace, sandboxKey: string, taken: readonly string[]): Promise<StoredEndpoint> {
    const { network, endpoint, request } = place;
    const ids = { NetworkID: network.id, EndpointID: endpoint.id };
    const options = endpointOptions(place);
    const { Interface } = await this.#ask(
      'CreateEndpoint',
      { ...ids, Options: options, Interface: endpointInterface(endpoint) },
      decodeEndpoint,
    );
    const decided = withAddresses(endpoint, Interface);
    const joined = await this.#ask('Join', { ...ids, SandboxKey: sandboxKey, Options: options }, decodeJoin);
    const { SrcName, DstPrefix } = joined.InterfaceName;
    const mac = decided.macAddress || (linkByName(this.#options.route, SrcName)?.mac ?? '');
    if (parsePublishRequests(request).length > 0) await this.#programPorts(ids, options);
    return {
      ...decided,
      macAddress: mac,
      interfaceName: SrcName === '' ? '' : chosenName(decided, DstPrefix || 'eth', taken),
      ...gatewayFields(joined),
      remote: { source: SrcName, routes: (joined.StaticRoutes ?? []).map(parseRoute) },
    };
  }

  /** The first half of the endpoint's end, while its interface is still inside. */
  async leave({ networkId, id }: StoredEndpoint): Promise<void> {
    const ids = { NetworkID: networkId, EndpointID: id };
    await this.#ask('RevokeExternalConnectivity', ids, emptyStruct, impatient).catch(unlessUnknown);
    await this.#ask('Leave', ids, emptyStruct, impatient);
  }

  async deleteEndpoint({ networkId, id }: StoredEndpoint): Promise<void> {
    await this.#ask('DeleteEndpoint', { NetworkID: networkId, EndpointID: id }, emptyStruct, impatient);
  }

  /** Takes the interface that the plugin made. */
  link(batch: NetlinkBatch, _network: StoredNetwork, endpoint: StoredEndpoint, namespace: number): void {
    const { source = '' } = endpoint.remote ?? {};
    const link = linkByName(this.#options.route, source);
    if (!link) throw new EngineError('internal', `the plugin's interface ${source} does not exist`);
    setLink(batch, link.index, { up: false, name: endpoint.interfaceName, namespace });
  }

  /** Plugins from before this call publish ports in Join. */
  async #programPorts(ids: object, options: object): Promise<void> {
    await this.#ask('ProgramExternalConnectivity', { ...ids, Options: options }).catch(unlessUnknown);
  }

  async #ask<T = object>(
    method: string,
    argument: unknown,
    decoder: (value: unknown, path: string) => T = emptyStruct as (value: unknown, path: string) => T,
    patience: PluginPatience = {},
  ): Promise<T> {
    const { name, plugins } = this.#options;
    const plugin = await plugins.get(name, 'NetworkDriver', patience);
    return await askPlugin(plugin, { method: `NetworkDriver.${method}`, argument, decoder, patience });
  }
}

function unlessUnknown(error: unknown): void {
  if (!(error instanceof EngineError) || error.code !== 'not_found') throw error;
}

function addressData(network: StoredNetwork, family: 4 | 6): object[] {
  return networkSubnets(network).flatMap(({ subnet, gateway }, index) => {
    if (subnet.family !== family) return [];
    const auxiliary = Object.entries(network.ipam.Config[index]?.AuxiliaryAddresses ?? {});
    const withLength = (text: string) => `${text}/${subnet.length}`;
    return {
      AddressSpace: network.addressSpace ?? 'LocalDefault',
      Pool: formatPrefix(subnet),
      ...(gateway ? { Gateway: withLength(formatAddress(gateway)) } : {}),
      AuxAddresses: Object.fromEntries(auxiliary.map(([name, text]) => [name, withLength(text)])),
    };
  });
}

function endpointInterface(endpoint: StoredEndpoint): EndpointInterface {
  const { ipv4, ipv4PrefixLength, ipv6, ipv6PrefixLength, macAddress } = endpoint;
  return {
    Address: ipv4 ? `${ipv4}/${ipv4PrefixLength}` : '',
    AddressIPv6: ipv6 ? `${ipv6}/${ipv6PrefixLength}` : '',
    MacAddress: macAddress,
  };
}

function endpointOptions({ endpoint, request }: RemotePlace): Record<string, unknown> {
  const exposed = [...new Set([...request.exposedPorts, ...Object.keys(request.portBindings)])].map((text) => {
    const [port, transport = 'tcp'] = text.split('/');
    return { Proto: protocols[transport as keyof typeof protocols] ?? 0, Port: Number(port) };
  });
  const published = parsePublishRequests(request).map((wish) => ({
    Proto: protocols[wish.transport],
    IP: '',
    Port: wish.containerPort,
    HostIP: wish.hostAddress ? formatAddress(wish.hostAddress) : '',
    HostPort: wish.hostPorts?.first ?? 0,
    HostPortEnd: wish.hostPorts?.last ?? 0,
  }));
  return {
    ...endpoint.settings.DriverOpts,
    'com.docker.network.endpoint.exposedports': exposed,
    'com.docker.network.portmap': published,
  };
}

/** What the plugin gives must not contradict what it was given. */
function withAddresses(endpoint: StoredEndpoint, given: EndpointInterface): StoredEndpoint {
  const v4 = parseInterface(given.Address);
  const v6 = parseInterface(given.AddressIPv6);
  if ((given.Address && !v4) || (given.AddressIPv6 && !v6)) {
    throw new EngineError('internal', `invalid address of the plugin: ${given.Address || given.AddressIPv6}`);
  }
  if ((v4 && endpoint.ipv4) || (v6 && endpoint.ipv6) || (given.MacAddress && endpoint.macAddress)) {
    throw new EngineError(
      'permission_denied',
      'endpoint interface IP or MAC is already set: the plugin must not change it',
    );
  }
  return {
    ...endpoint,
    ...(v4 ? { ipv4: formatAddress(v4.address), ipv4PrefixLength: v4.length } : {}),
    ...(v6 ? { ipv6: formatAddress(v6.address), ipv6PrefixLength: v6.length } : {}),
    ...(given.MacAddress ? { macAddress: given.MacAddress.toLowerCase() } : {}),
  };
}

function chosenName({ settings }: StoredEndpoint, prefix: string, taken: readonly string[]): string {
  const chosen = settings.DriverOpts?.['com.docker.network.endpoint.ifname'];
  if (chosen) return chosen;
  for (let number = 0; ; number++) if (!taken.includes(`${prefix}${number}`)) return `${prefix}${number}`;
}

function gatewayFields({ Gateway, GatewayIPv6 }: JoinResponse): Pick<StoredEndpoint, 'gateway4' | 'gateway6'> {
  for (const text of [Gateway, GatewayIPv6]) {
    if (text && !parseAddress(text)) throw new EngineError('internal', `invalid gateway of the plugin: ${text}`);
  }
  return { ...(Gateway ? { gateway4: Gateway } : {}), ...(GatewayIPv6 ? { gateway6: GatewayIPv6 } : {}) };
}

function parseRoute({ Destination, RouteType, NextHop }: StaticRoute): RemoteRoute {
  const isConnected = RouteType === 1;
  if (!parseInterface(Destination) || (!isConnected && !parseAddress(NextHop))) {
    throw new EngineError('internal', `invalid route of the plugin: ${Destination} by ${NextHop}`);
  }
  return { destination: Destination, ...(isConnected ? {} : { nextHop: NextHop }) };
}
