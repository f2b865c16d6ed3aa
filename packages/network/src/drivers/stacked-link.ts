import { invalidArgument } from '@wharf/base/error';
import { NetlinkBatch } from '@wharf/sys/netlink/batch';
import { addDummy, addStackedLink, addVlan, linkByName, setLink } from '@wharf/sys/netlink/link';
import type { NetlinkSocket } from '@wharf/sys/netlink/socket';
import type { LinkRemover } from '../links/link-remover.ts';
import type { NetworkSpec } from '../networking.ts';
import type { Records, StoredEndpoint, StoredNetwork } from '../records.ts';
import { parseBridgeOptions } from './bridge-options.ts';
import type { NetworkDriver } from './network-driver.ts';

/** MACVLAN_MODE_* */
const macvlanModes = { private: 1, vepa: 2, bridge: 4, passthru: 8 } as const;
const ipvlanModes = { l2: 0, l3: 1, l3s: 2 } as const;
/** IPVLAN_F_* */
const ipvlanFlags = { bridge: 0, private: 1, vepa: 2 } as const;

export interface StackedLinkDriverOptions {
  readonly kind: 'macvlan' | 'ipvlan';
  readonly route: NetlinkSocket;
  readonly remover: LinkRemover;
  /** Marks the parents that this daemon made, as their alias. */
  readonly owner: string;
  readonly networks: Pick<Records<StoredNetwork>, 'values'>;
}

/** macvlan and ipvlan: each endpoint is a link of its own on top of one of the host's. */
export class StackedLinkDriver implements NetworkDriver {
  readonly #options: StackedLinkDriverOptions;
  readonly #kind: 'macvlan' | 'ipvlan';

  constructor(options: StackedLinkDriverOptions) {
    this.#options = options;
    this.#kind = options.kind;
  }

  validate({ options }: NetworkSpec): void {
    parseBridgeOptions(options);
    this.#mode(options);
    const { parent } = options;
    if (!parent) return;
    if (parent === 'lo') throw invalidArgument(`loopback interface is not a valid ${this.#kind} parent link`);
    if (linkByName(this.#options.route, parent)) return;
    const { parent: trunk } = parseSubInterface(parent);
    if (linkByName(this.#options.route, trunk)) return;
    throw invalidArgument(`-o parent interface was not found on the host: ${trunk}`);
  }

  /** Makes the parent where it is a sub-interface that does not exist, or none was named. */
  ensure(network: StoredNetwork): void {
    const { route, owner } = this.#options;
    const name = parentName(network);
    if (linkByName(route, name)) return;
    const batch = new NetlinkBatch();
    if (network.options.parent) {
      const { parent, id } = parseSubInterface(name);
      const trunk = linkByName(route, parent);
      if (!trunk) throw invalidArgument(`-o parent interface was not found on the host: ${parent}`);
      addVlan(batch, { name, parent: trunk.index, id });
    } else addDummy(batch, name);
    route.transact(batch, `create ${name}`);
    const mark = new NetlinkBatch();
    setLink(mark, linkByName(route, name)?.index ?? 0, { alias: owner });
    route.transact(mark, `mark ${name}`);
  }

  /** Removes a parent of our own making with the last network on it. */
  async remove(network: StoredNetwork): Promise<void> {
    const { route, owner, remover, networks } = this.#options;
    const name = parentName(network);
    for (const other of networks.values()) if (other.id !== network.id && parentName(other) === name) return;
    const link = linkByName(route, name);
    if (link?.alias === owner) await remover.remove(link.index);
  }

  link(batch: NetlinkBatch, network: StoredNetwork, endpoint: StoredEndpoint, namespace: number): void {
    const { options } = network;
    const parent = linkByName(this.#options.route, parentName(network));
    if (!parent) throw new Error(`Cannot attach to ${parentName(network)}: it does not exist`);
    const { mtu } = parseBridgeOptions(options);
    addStackedLink(batch, {
      kind: this.#kind,
      name: endpoint.interfaceName,
      parent: parent.index,
      namespace,
      ...this.#mode(options),
      ...(this.#kind === 'macvlan' ? { mac: endpoint.macAddress } : {}),
      ...(mtu === undefined ? {} : { mtu }),
    });
  }

  #mode(options: Readonly<Record<string, string>>): { mode: number; flags?: number } {
    if (this.#kind === 'macvlan') {
      const mode = options.macvlan_mode || 'bridge';
      if (!isKey(macvlanModes, mode)) throw invalidArgument(`requested macvlan mode '${mode}' is not valid`);
      return { mode: macvlanModes[mode] };
    }
    const mode = options.ipvlan_mode || 'l2';
    if (!isKey(ipvlanModes, mode)) throw invalidArgument(`requested ipvlan mode '${mode}' is not valid`);
    const flag = options.ipvlan_flag || 'bridge';
    if (!isKey(ipvlanFlags, flag)) throw invalidArgument(`requested ipvlan flag '${flag}' is not valid`);
    return { mode: ipvlanModes[mode], flags: ipvlanFlags[flag] };
  }
}

/** The link below a macvlan or ipvlan network: the one named, or a dummy of its own. '' for other drivers. */
export function parentName({ driver, options, id }: StoredNetwork): string {
  if (driver !== 'macvlan' && driver !== 'ipvlan') return '';
  return options.parent || `dm-${id.slice(0, 12)}`;
}

/** Whether ipvlan routes between its links, so that there is no gateway. */
export function isLayer3(options: Readonly<Record<string, string>>): boolean {
  return options.ipvlan_mode === 'l3' || options.ipvlan_mode === 'l3s';
}

/** `eth0.10`: VLAN 10 of eth0. */
function parseSubInterface(name: string): { parent: string; id: number } {
  const [, parent, digits] = /^(.+)\.(\d+)$/.exec(name) ?? [];
  if (parent === undefined) {
    throw invalidArgument(`invalid subinterface vlan name ${name}, example formatting is eth0.10`);
  }
  const id = Number(digits);
  if (id < 1 || id > 4094) throw invalidArgument(`vlan id must be between 1-4094, received: ${id}`);
  return { parent, id };
}

function isKey<T extends object>(table: T, key: string): key is Extract<keyof T, string> {
  return Object.hasOwn(table, key);
}
