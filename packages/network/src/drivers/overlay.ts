import { conflict } from '@wharf/base/error';
import { NetlinkBatch } from '@wharf/sys/netlink/batch';
import { linkByName, setLink } from '@wharf/sys/netlink/link';
import type { NetlinkSocket } from '@wharf/sys/netlink/socket';
import { addVxlan, addVxlanPeer } from '@wharf/sys/netlink/vxlan';
import { addressBytes } from '../address.ts';
import type { Firewall } from '../firewall/firewall.ts';
import type { LinkRemover } from '../links/link-remover.ts';
import type { NetworkSpec } from '../networking.ts';
import type { Records, StoredEndpoint, StoredNetwork } from '../records.ts';
import { type BridgeDriver, linkName } from './bridge.ts';
import type { NetworkDriver } from './network-driver.ts';
import { type OverlayOptions, parseOverlayOptions } from './overlay-options.ts';

export interface OverlayDriverOptions {
  readonly bridge: BridgeDriver;
  readonly route: NetlinkSocket;
  readonly remover: LinkRemover;
  readonly firewall: Firewall;
  readonly owner: string;
  readonly networks: Pick<Records<StoredNetwork>, 'values'>;
}

/**
 * One Ethernet over several hosts: on each a bridge, and a VXLAN tunnel between the bridges. All bridges have the
 * gateway's address and the same MAC, so that each container's way out is by its own host.
 */
export class OverlayDriver implements NetworkDriver {
  readonly #options: OverlayDriverOptions;

  constructor(options: OverlayDriverOptions) {
    this.#options = options;
  }

  validate(spec: NetworkSpec): void {
    const { id, port } = parseOverlayOptions(spec.options);
    for (const other of this.#options.networks.values()) {
      if (other.driver !== 'overlay') continue;
      const taken = parseOverlayOptions(other.options);
      if (taken.id === id && taken.port === port) {
        throw conflict(
          `VXLAN ID ${id} is already used by network ${other.name}: choose another by --opt com.docker.network.driver.overlay.vxlanid_list=ID`,
        );
      }
    }
    this.#options.bridge.validate(spec);
  }

  ensure(network: StoredNetwork): void {
    const { bridge, firewall } = this.#options;
    const options = parseOverlayOptions(network.options);
    bridge.ensure(network, { mac: gatewayMac(options.id), mtu: options.mtu });
    this.#ensureTunnel(network, options);
    firewall.addTunnel({ name: tunnelName(network), ...options });
  }

  async remove(network: StoredNetwork): Promise<void> {
    const { route, remover, bridge, firewall, owner } = this.#options;
    firewall.removeTunnel(tunnelName(network));
    const link = linkByName(route, tunnelName(network));
    if (link?.alias === owner) await remover.remove(link.index);
    await bridge.remove(network);
  }

  link(batch: NetlinkBatch, network: StoredNetwork, endpoint: StoredEndpoint, namespace: number): void {
    const { mtu } = parseOverlayOptions(network.options);
    this.#options.bridge.link(batch, network, endpoint, namespace, { mtu });
  }

  #ensureTunnel(network: StoredNetwork, { id, port, local, peers, mtu }: OverlayOptions): void {
    const { route, owner } = this.#options;
    const name = tunnelName(network);
    if (linkByName(route, name)) return;
    const master = linkByName(route, linkName(network))?.index;
    if (master === undefined) throw new Error(`Cannot make ${name}: its bridge does not exist`);
    const batch = new NetlinkBatch();
    const mac = `02:76:${hexPairs(BigInt.asUintN(32, BigInt(`0x${network.id.slice(0, 8)}`)), 4)}`;
    addVxlan(batch, { name, id, port, master, mac, mtu, ...(local ? { local: addressBytes(local) } : {}) });
    route.transact(batch, `create ${name}`);
    const index = linkByName(route, name)?.index ?? 0;
    const rest = new NetlinkBatch();
    setLink(rest, index, { alias: owner });
    for (const peer of peers) addVxlanPeer(rest, index, addressBytes(peer));
    route.transact(rest, `name the peers of ${name}`);
  }
}

export function tunnelName({ driver, id }: Pick<StoredNetwork, 'driver' | 'id'>): string {
  return driver === 'overlay' ? `vx-${id.slice(0, 12)}` : '';
}

/** The same on every host of the network. */
function gatewayMac(id: number): string {
  return `02:42:76:${hexPairs(BigInt(id), 3)}`;
}

function hexPairs(value: bigint, bytes: number): string {
  return value
    .toString(16)
    .padStart(bytes * 2, '0')
    .match(/../g)!
    .join(':');
}
