import { invalidArgument, notImplemented } from '@wharf/base/error';
import type { NetlinkBatch } from '@wharf/sys/netlink/batch';
import { addStackedLink, linkByName } from '@wharf/sys/netlink/link';
import type { NetlinkSocket } from '@wharf/sys/netlink/socket';
import type { NetworkSpec } from '../networking.ts';
import type { StoredEndpoint, StoredNetwork } from '../records.ts';
import { parseBridgeOptions } from './bridge-options.ts';
import type { NetworkDriver } from './network-driver.ts';

/** MACVLAN_MODE_* */
const macvlanModes = { private: 1, vepa: 2, bridge: 4, passthru: 8 } as const;
const ipvlanModes = { l2: 0 } as const;
/** IPVLAN_F_* */
const ipvlanFlags = { bridge: 0, private: 1, vepa: 2 } as const;

/** macvlan and ipvlan: each endpoint is a link of its own on top of one of the host's. */
export class StackedLinkDriver implements NetworkDriver {
  readonly #route: NetlinkSocket;
  readonly #kind: 'macvlan' | 'ipvlan';

  constructor(route: NetlinkSocket, kind: 'macvlan' | 'ipvlan') {
    this.#route = route;
    this.#kind = kind;
  }

  validate({ options, internal }: NetworkSpec): void {
    parseBridgeOptions(options);
    this.#mode(options);
    const { parent } = options;
    if (!parent || internal) throw notImplemented(`a ${this.#kind} network without a parent`);
    if (parent === 'lo') throw invalidArgument(`loopback interface is not a valid ${this.#kind} parent link`);
    if (linkByName(this.#route, parent)) return;
    if (/\.\d+$/.test(parent)) throw notImplemented('making an 802.1q sub-interface');
    throw invalidArgument(`invalid subinterface vlan name ${parent}, example formatting is eth0.10`);
  }

  ensure(): void {}

  async remove(): Promise<void> {}

  link(batch: NetlinkBatch, { options }: StoredNetwork, endpoint: StoredEndpoint, namespace: number): void {
    const parent = linkByName(this.#route, options.parent ?? '');
    if (!parent) throw new Error(`Cannot attach to ${options.parent}: it does not exist`);
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
    if (mode === 'l3' || mode === 'l3s') throw notImplemented(`ipvlan mode ${mode}`);
    if (!isKey(ipvlanModes, mode)) throw invalidArgument(`requested ipvlan mode '${mode}' is not valid`);
    const flag = options.ipvlan_flag || 'bridge';
    if (!isKey(ipvlanFlags, flag)) throw invalidArgument(`requested ipvlan flag '${flag}' is not valid`);
    return { mode: ipvlanModes[mode], flags: ipvlanFlags[flag] };
  }
}

function isKey<T extends object>(table: T, key: string): key is Extract<keyof T, string> {
  return Object.hasOwn(table, key);
}
