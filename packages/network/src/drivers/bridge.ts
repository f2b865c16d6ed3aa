import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { conflict, invalidArgument, notImplemented } from '@wharf/base/error';
import type { Logger } from '@wharf/base/logger';
import { hasErrno } from '@wharf/sys/errno';
import { NetlinkBatch } from '@wharf/sys/netlink/batch';
import { addBridge, addVeth, type Link, linkByName, setHairpin, setLink } from '@wharf/sys/netlink/link';
import { addAddress, addLocalRoute, deleteAddress } from '@wharf/sys/netlink/route';
import type { NetlinkSocket } from '@wharf/sys/netlink/socket';
import { addressBytes } from '../address.ts';
import type { Firewall } from '../firewall/firewall.ts';
import type { FirewallBridge } from '../firewall/ruleset.ts';
import { networkSubnets } from '../ipam/network-subnets.ts';
import type { LinkRemover } from '../links/link-remover.ts';
import type { NetworkSpec } from '../networking.ts';
import type { StoredEndpoint, StoredNetwork } from '../records.ts';
import { readSysctl, writeSysctl } from '../sysctl.ts';
import { type BridgeOptions, parseBridgeOptions } from './bridge-options.ts';
import type { NetworkDriver } from './network-driver.ts';

export interface BridgeDriverOptions {
  readonly route: NetlinkSocket;
  readonly firewall: Firewall;
  readonly remover: LinkRemover;
  /** Marks the links that this daemon made, as their alias. */
  readonly owner: string;
  readonly log: Logger;
}

/** A Linux bridge for each network, with a veth pair for each endpoint. */
export class BridgeDriver implements NetworkDriver {
  readonly #route: NetlinkSocket;
  readonly #firewall: Firewall;
  readonly #owner: string;
  readonly #log: Logger;
  readonly #remover: LinkRemover;
  readonly #indexes = new Map<string, number>();
  /** By the bridge's index: the gateways' addresses, in hex. */
  readonly #gateways = new Map<number, Set<string>>();
  /**
   * With br_netfilter a container's packet to its own published port stays on the bridge, and has to go back
   * through the port it came from.
   */
  #filtersBridged = false;

  constructor({ route, firewall, remover, owner, log }: BridgeDriverOptions) {
    this.#log = log;
    this.#route = route;
    this.#firewall = firewall;
    this.#owner = owner;
    this.#remover = remover;
  }

  validate(spec: NetworkSpec): void {
    this.#firewall.requireRules();
    const { name, modes } = parseBridgeOptions(spec.options);
    if (!spec.internal && (modes[4] === 'isolated' || modes[6] === 'isolated')) {
      throw invalidArgument('isolated gateway mode can only be used for an internal network');
    }
    const link = name && linkByName(this.#route, name);
    if (link && link.kind !== 'bridge') throw invalidArgument(`existing interface ${name} is not a bridge`);
    if (link && link.alias === this.#owner) {
      throw conflict(`bridge with name ${name} is already in use by another network`);
    }
  }

  /** `mac` and `mtu` are the bridge's where a driver on top of this one chooses them. */
  ensure(network: StoredNetwork, chosen: { mac?: string; mtu?: number } = {}): void {
    const name = linkName(network);
    const options = parseBridgeOptions(network.options);
    const found = linkByName(this.#route, name);
    const index =
      found?.index ?? this.#create(name, { mac: chosen.mac ?? randomMac(), mtu: chosen.mtu ?? options.mtu });
    this.#indexes.set(network.id, index);
    const gateways = networkSubnets(network).flatMap(({ gateway }) => (gateway ? [hex(addressBytes(gateway))] : []));
    this.#gateways.set(index, new Set(gateways));
    this.#address(network, index, options);
    // Ports published on 127.0.0.1 leave the host with that source until they are masqueraded.
    writeSysctl(`net/ipv4/conf/${name}/route_localnet`, '1');
    if (!network.internal) enableForwarding(network);
    if (!options.icc) filterBridged();
    this.#filtersBridged = readSysctl('net/bridge/bridge-nf-call-iptables') === '1';
    this.#firewall.addBridge(firewallBridge(network, options));
  }

  async remove(network: StoredNetwork): Promise<void> {
    const name = linkName(network);
    this.#gateways.delete(this.#indexes.get(network.id) ?? 0);
    this.#indexes.delete(network.id);
    this.#firewall.removeBridge(name);
    const link = linkByName(this.#route, name);
    if (link?.kind !== 'bridge' || link.alias !== this.#owner) return;
    // Without its addresses it is nobody's way to anywhere; that it goes takes the kernel 40 ms, and nobody waits.
    const batch = new NetlinkBatch();
    for (const { subnet, gateway } of networkSubnets(network)) {
      if (gateway) deleteAddress(batch, link.index, { address: addressBytes(gateway), length: subnet.length });
    }
    try {
      if (batch.bytes.length > 0) this.#route.transact(batch, `take the addresses of bridge ${name}`);
    } catch (error) {
      if (!hasErrno(error, 'EADDRNOTAVAIL')) throw error;
    }
    this.#remover.removeLater(name, link.index, (error) => this.#log.error('Cannot remove a bridge', { name, error }));
  }

  ownsLink(index: number): boolean {
    return this.#gateways.has(index);
  }

  ownsAddress(index: number, address: Uint8Array): boolean {
    return this.#gateways.get(index)?.has(hex(address)) ?? false;
  }

  link(
    batch: NetlinkBatch,
    network: StoredNetwork,
    endpoint: StoredEndpoint,
    namespace: number,
    chosen: { mtu?: number } = {},
  ): void {
    const master = this.#indexes.get(network.id);
    if (master === undefined) throw new Error(`Cannot attach to network ${network.name}: its bridge does not exist`);
    const mtu = chosen.mtu ?? parseBridgeOptions(network.options).mtu;
    addVeth(batch, {
      name: endpoint.hostLink,
      master,
      ...(mtu === undefined ? {} : { mtu }),
      peer: { name: endpoint.interfaceName, mac: endpoint.macAddress, namespace },
    });
    if (this.#filtersBridged) setHairpin(batch, endpoint.hostLink);
  }

  #create(name: string, { mac, mtu }: { mac: string; mtu: number | undefined }): number {
    const batch = new NetlinkBatch();
    addBridge(batch, { name, mac, ...(mtu === undefined ? {} : { mtu }) });
    this.#route.transact(batch, `create bridge ${name}`);
    const { index } = this.#find(name);
    const mark = new NetlinkBatch();
    setLink(mark, index, { alias: this.#owner });
    this.#route.transact(mark, `mark bridge ${name}`);
    return index;
  }

  #find(name: string): Link {
    const link = linkByName(this.#route, name);
    if (!link) throw new Error(`Cannot find bridge ${name}: it was removed`);
    return link;
  }

  #address(network: StoredNetwork, index: number, { inhibitIPv4, modes }: BridgeOptions): void {
    for (const { subnet, gateway } of networkSubnets(network)) {
      if (!gateway || modes[subnet.family] === 'isolated' || (subnet.family === 4 && inhibitIPv4)) continue;
      if (subnet.family === 6) writeSysctl(`net/ipv6/conf/${linkName(network)}/disable_ipv6`, '0');
      const batch = new NetlinkBatch();
      addAddress(batch, index, { address: addressBytes(gateway), length: subnet.length });
      try {
        this.#route.transact(batch, `add the gateway of network ${network.name}`);
      } catch (error) {
        if (!hasErrno(error, 'EEXIST')) throw error;
      }
    }
    const up = new NetlinkBatch();
    setLink(up, index, { up: true });
    for (const { gateway } of networkSubnets(network)) {
      if (gateway?.family === 6) addLocalRoute(up, index, addressBytes(gateway));
    }
    this.#route.transact(up, `raise bridge ${linkName(network)}`);
  }
}

/** Packets that stay on a bridge pass the packet rules only with br_netfilter, which few hosts load by themselves. */
function filterBridged(): void {
  if (writeSysctl('net/bridge/bridge-nf-call-iptables', '1')) return;
  spawnSync('modprobe', ['br_netfilter'], { stdio: 'ignore' });
  if (writeSysctl('net/bridge/bridge-nf-call-iptables', '1')) return;
  throw notImplemented('enable_icc=false without the br_netfilter kernel module');
}

/** Whether a network's containers are on a bridge of this host. */
export function isBridged({ driver }: { readonly driver: string }): boolean {
  return driver === 'bridge' || driver === 'overlay';
}

/** Docker's name for a user-defined network's bridge, or the one chosen. */
export function linkName({ link, id }: Pick<StoredNetwork, 'link' | 'id'>): string {
  return link ?? `br-${id.slice(0, 12)}`;
}

function firewallBridge(network: StoredNetwork, options: BridgeOptions): FirewallBridge {
  const { icc, masquerade, modes, sources, trusted } = options;
  const subnets = networkSubnets(network).map(({ subnet }) => subnet);
  return { name: linkName(network), subnets, internal: network.internal, icc, masquerade, modes, sources, trusted };
}

function enableForwarding(network: StoredNetwork): void {
  if (readSysctl('net/ipv4/ip_forward') === '0') writeSysctl('net/ipv4/ip_forward', '1');
  if (!network.enableIPv6) return;
  writeSysctl('net/ipv6/conf/default/forwarding', '1');
  writeSysctl('net/ipv6/conf/all/forwarding', '1');
}

function hex(address: Uint8Array): string {
  return Buffer.from(address).toString('hex');
}

/** Locally administered. */
export function randomMac(): string {
  return ['02', '42', ...randomBytes(4).toString('hex').match(/../g)!].join(':');
}
