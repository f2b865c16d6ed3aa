import type { EndpointSettings } from '@wharf/api/network';
import { KeyedLock } from '@wharf/base/keyed-lock';
import { runAll } from '@wharf/base/transaction';
import { NetlinkSocket } from '@wharf/sys/netlink/socket';
import type { LinuxNetworkingOptions, NetworkContext } from './context.ts';
import { Upstream } from './dns/upstream.ts';
import { BridgeDriver } from './drivers/bridge.ts';
import { linkOwner } from './drivers/link-owner.ts';
import { emptyDriver, type NetworkDriver } from './drivers/network-driver.ts';
import { OverlayDriver } from './drivers/overlay.ts';
import { StackedLinkDriver } from './drivers/stacked-link.ts';
import { HostResolvConf } from './files/host-resolv-conf.ts';
import { Firewall } from './firewall/firewall.ts';
import { AddressBook } from './ipam/address-book.ts';
import { LinkRemover } from './links/link-remover.ts';
import type {
  EndpointRecord,
  Networking,
  NetworkRecord,
  NetworkSpec,
  Sandbox,
  SandboxRequest,
  SubnetUse,
} from './networking.ts';
import { createNetwork } from './networks/create-network.ts';
import { driverOf, findNetwork } from './networks/find-network.ts';
import { ForeignRoutes } from './networks/host-routes.ts';
import { removeNetwork } from './networks/remove-network.ts';
import { noPlugins } from './plugins/network-plugins.ts';
import { RemoteIpam } from './plugins/remote-ipam.ts';
import { PortAllocator } from './ports/port-allocator.ts';
import { reconcile, repair } from './reconcile.ts';
import type { StoredNetwork, StoredSandbox } from './records.ts';
import { closeListeners, closeSandbox } from './sandbox/close-sandbox.ts';
import { connectSandbox, disconnectSandbox } from './sandbox/connect.ts';
import { describeSandbox } from './sandbox/describe.ts';
import { EndpointIndex } from './sandbox/endpoint-index.ts';
import { NamespacePool } from './sandbox/namespace-pool.ts';
import { openSandbox } from './sandbox/open-sandbox.ts';
import { planSandbox } from './sandbox/plan.ts';
import { publishPorts } from './sandbox/published-ports.ts';
import { relinkSandbox, renameSandbox } from './sandbox/rename.ts';

/** A look costs one small question to the kernel where nothing has changed. */
const lookEveryMilliseconds = 250;

/**
 * Container networking on the calling thread's network namespace, which is the host. Call `reconcile` before
 * anything else: it makes the default networks and takes over what survived.
 */
export function openLinuxNetworking(options: LinuxNetworkingOptions): LinuxNetworking {
  const { store, log, execRoot } = options;
  const owner = linkOwner(execRoot);
  const ready = options.readyNamespaces ?? 4;
  const route = NetlinkSocket.open('route');
  const firewall = new Firewall(owner, log);
  const remover = new LinkRemover();
  const networks = store.collection<StoredNetwork>('networks');
  const bridge = new BridgeDriver({ route, firewall, remover, owner, log });
  const stacked = { route, remover, owner, networks };
  return new LinuxNetworking({
    options,
    log,
    store,
    networks,
    sandboxes: store.collection<StoredSandbox>('sandboxes', { relaxed: true }),
    route,
    firewall,
    remover,
    ports: new PortAllocator(),
    namespaces: new NamespacePool(options.idMapping ? 0 : ready),
    remappedNamespaces: new NamespacePool(options.idMapping ? ready : 0, options.idMapping),
    drivers: new Map<string, NetworkDriver>([
      ['bridge', bridge],
      ['host', emptyDriver],
      ['null', emptyDriver],
      ['macvlan', new StackedLinkDriver({ ...stacked, kind: 'macvlan' })],
      ['ipvlan', new StackedLinkDriver({ ...stacked, kind: 'ipvlan' })],
      ['overlay', new OverlayDriver({ bridge, route, firewall, remover, owner, networks })],
    ]),
    remoteIpam: new RemoteIpam(options.plugins ?? noPlugins, log),
    addresses: new AddressBook(),
    foreignRoutes: new ForeignRoutes(route, bridge),
    endpoints: new EndpointIndex(),
    live: new Map(),
    locks: new KeyedLock(),
    hostResolvConf: new HostResolvConf(options.resolvConfPath),
    upstream: new Upstream(),
  });
}

export class LinuxNetworking implements Networking {
  readonly #context: NetworkContext;
  #watch: NodeJS.Timeout | undefined;

  constructor(context: NetworkContext) {
    this.#context = context;
  }

  async reconcile(running: ReadonlyMap<string, number>): Promise<void> {
    await reconcile(this.#context, running);
    this.#watch = setInterval(() => this.#repairWhatIsMissing(), lookEveryMilliseconds).unref();
  }

  async repair(): Promise<void> {
    await repair(this.#context);
  }

  async createNetwork(spec: NetworkSpec): Promise<{ id: string; warnings: string[] }> {
    const { id } = await createNetwork(this.#context, spec);
    return { id, warnings: [] };
  }

  async removeNetwork(nameOrId: string): Promise<void> {
    await removeNetwork(this.#context, nameOrId);
  }

  network(nameOrId: string): NetworkRecord {
    return findNetwork(this.#context, nameOrId);
  }

  networks(): readonly NetworkRecord[] {
    return [...this.#context.networks.values()];
  }

  drivers(): readonly string[] {
    const used = this.networks().map(({ driver }) => driver);
    return [...new Set([...this.#context.drivers.keys(), ...used])].sort();
  }

  endpointsOf(networkId: string): readonly EndpointRecord[] {
    return this.#context.endpoints.ofNetwork(networkId);
  }

  addressUse(networkId: string): readonly SubnetUse[] {
    return this.#context.addresses.use(networkId);
  }

  validate(request: SandboxRequest): void {
    planSandbox(this.#context, request);
  }

  async openSandbox(request: SandboxRequest): Promise<Sandbox> {
    return await this.#context.locks.run(request.containerId, async () => {
      return describeSandbox(this.#context, await openSandbox(this.#context, request));
    });
  }

  async publishPorts(containerId: string): Promise<void> {
    await this.#context.locks.run(containerId, async () => publishPorts(this.#context, containerId));
  }

  async closeSandbox(containerId: string): Promise<void> {
    await this.#context.locks.run(containerId, () => closeSandbox(this.#context, containerId));
  }

  sandbox(containerId: string): Sandbox | undefined {
    const live = this.#context.live.get(containerId);
    return live && describeSandbox(this.#context, live);
  }

  async connect(containerId: string, network: string, settings: EndpointSettings): Promise<void> {
    await this.#context.locks.run(containerId, () => connectSandbox(this.#context, { containerId, network, settings }));
  }

  async disconnect(containerId: string, network: string, _options: { force: boolean }): Promise<void> {
    await this.#context.locks.run(containerId, () => disconnectSandbox(this.#context, { containerId, network }));
  }

  relink(containerId: string, links: SandboxRequest['links']): void {
    relinkSandbox(this.#context, containerId, links);
  }

  rename(containerId: string, name: string): void {
    renameSandbox(this.#context, containerId, name);
  }

  async close({ removeHostState }: { removeHostState: boolean } = { removeHostState: false }): Promise<void> {
    clearInterval(this.#watch);
    const { live, networks, ports, namespaces, remappedNamespaces, foreignRoutes } = this.#context;
    const { upstream, route, firewall, remover, log } = this.#context;
    const empty = live.size === 0;
    const failures = await runAll([
      () => namespaces.close(),
      () => remappedNamespaces.close(),
      ...[...live.values()].map((sandbox) => () => closeListeners(sandbox)),
      () => ports.close(),
      () => upstream.close(),
      ...(removeHostState && empty
        ? [
            ...[...networks.values()].map((network) => () => removeLinks(this.#context, network)),
            () => firewall.removeTable(),
          ]
        : []),
      () => remover.close(),
      () => foreignRoutes.close(),
      () => firewall.close(),
      () => route.close(),
    ]);
    for (const error of failures) log.warn('Cannot close all of the networking', { error });
  }

  /** Others flush the whole rule set now and then: a firewall that reloads, an administrator. */
  #repairWhatIsMissing(): void {
    const { firewall, log } = this.#context;
    try {
      if (!firewall.isWhole()) void repair(this.#context).catch((error) => log.error('Cannot repair', { error }));
    } catch (error) {
      log.error('Cannot look after the nf_tables table', { error });
    }
  }
}

/** Of a daemon that ends; a plugin's network is no state of this host that could be made again. */
async function removeLinks(context: NetworkContext, network: StoredNetwork): Promise<void> {
  const driver = driverOf(context, network.driver);
  if (!driver.remote) await driver.remove(network);
}
