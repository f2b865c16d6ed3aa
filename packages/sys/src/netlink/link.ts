import { attributeText, decodeAttributes, NetlinkBatch } from './batch.ts';
import type { NetlinkMessage, NetlinkSocket } from './socket.ts';

const RTM_NEWLINK = 16;
const RTM_DELLINK = 17;
const RTM_GETLINK = 18;
const NLM_F_EXCL = 0x200;
const NLM_F_CREATE = 0x400;
export const IFF_UP = 1;
/** IFLA_* of if_link.h */
export const linkAttributes = {
  address: 1,
  ifname: 3,
  mtu: 4,
  link: 5,
  master: 10,
  linkinfo: 18,
  ifalias: 20,
  group: 27,
  netNsFd: 28,
  extMask: 29,
  numTxQueues: 31,
  numRxQueues: 32,
} as const;
const INFO_KIND = 1;
const INFO_DATA = 2;
const INFO_SLAVE_KIND = 4;
const INFO_SLAVE_DATA = 5;
const VETH_INFO_PEER = 1;
const RTEXT_FILTER_SKIP_STATS = 8;
const IFLA_BRPORT_MODE = 4;

export interface Link {
  readonly index: number;
  readonly name: string;
  readonly mac: string;
  readonly kind: string;
  readonly master: number | undefined;
  readonly up: boolean;
  /** Free text that an administrator, or its maker, gave it. */
  readonly alias: string;
}

export interface BridgeSpec {
  readonly name: string;
  readonly mac: string;
  readonly mtu?: number;
}

export interface VethSpec {
  /** The host's end. */
  readonly name: string;
  /** Index of the bridge that gets the host's end. */
  readonly master?: number;
  readonly mtu?: number;
  readonly peer: { readonly name: string; readonly mac: string; readonly namespace: number };
}

/** A link on top of another one: macvlan or ipvlan, made straight into a namespace. */
export interface StackedLinkSpec {
  readonly name: string;
  readonly parent: number;
  readonly namespace: number;
  readonly mac?: string;
  readonly mtu?: number;
  readonly kind: 'macvlan' | 'ipvlan';
  /** MACVLAN_MODE_* or IPVLAN_MODE_*. */
  readonly mode: number;
  readonly flags?: number;
}

/** Creates a bridge, up. Its MAC is given, so that it does not change with its ports. */
export function addBridge(batch: NetlinkBatch, { name, mac, mtu }: BridgeSpec): void {
  batch.message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, linkHeader({ flags: IFF_UP, change: IFF_UP }), (to) => {
    to.text(linkAttributes.ifname, name).attribute(linkAttributes.address, macBytes(mac));
    if (mtu !== undefined) to.u32(linkAttributes.mtu, mtu);
    to.nested(linkAttributes.linkinfo, () => to.text(INFO_KIND, 'bridge'));
  });
}

/** Creates a veth pair in one message: the host's end up and on its bridge, the peer down in its namespace. */
export function addVeth(batch: NetlinkBatch, { name, master, mtu, peer }: VethSpec): void {
  batch.message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, linkHeader({ flags: IFF_UP, change: IFF_UP }), (to) => {
    to.text(linkAttributes.ifname, name);
    if (master !== undefined) to.u32(linkAttributes.master, master);
    if (mtu !== undefined) to.u32(linkAttributes.mtu, mtu);
    to.u32(linkAttributes.numTxQueues, 1).u32(linkAttributes.numRxQueues, 1);
    to.nested(linkAttributes.linkinfo, () => {
      to.text(INFO_KIND, 'veth');
      to.nested(INFO_DATA, () => to.attribute(VETH_INFO_PEER, peerAttributes(peer, mtu)));
    });
  });
}

function peerAttributes(peer: VethSpec['peer'], mtu: number | undefined): Uint8Array {
  const inner = new NetlinkBatch().message(0, 0, linkHeader({}), (to) => {
    to.text(linkAttributes.ifname, peer.name).attribute(linkAttributes.address, macBytes(peer.mac));
    if (mtu !== undefined) to.u32(linkAttributes.mtu, mtu);
    to.u32(linkAttributes.netNsFd, peer.namespace)
      .u32(linkAttributes.numTxQueues, 1)
      .u32(linkAttributes.numRxQueues, 1);
  });
  return inner.bytes.subarray(16);
}

export function addStackedLink(batch: NetlinkBatch, spec: StackedLinkSpec): void {
  batch.message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, linkHeader({}), (to) => {
    to.text(linkAttributes.ifname, spec.name)
      .u32(linkAttributes.link, spec.parent)
      .u32(linkAttributes.netNsFd, spec.namespace);
    if (spec.mac !== undefined) to.attribute(linkAttributes.address, macBytes(spec.mac));
    if (spec.mtu !== undefined) to.u32(linkAttributes.mtu, spec.mtu);
    to.nested(linkAttributes.linkinfo, () => {
      to.text(INFO_KIND, spec.kind);
      to.nested(INFO_DATA, () => {
        if (spec.kind === 'macvlan') to.u32(1, spec.mode);
        else to.u16(1, spec.mode).u16(2, spec.flags ?? 0);
      });
    });
  });
}

/** Creates a link with nothing behind it, up. */
export function addDummy(batch: NetlinkBatch, name: string): void {
  batch.message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, linkHeader({ flags: IFF_UP, change: IFF_UP }), (to) => {
    to.text(linkAttributes.ifname, name);
    to.nested(linkAttributes.linkinfo, () => to.text(INFO_KIND, 'dummy'));
  });
}

/** Creates the 802.1q sub-interface of a parent for one VLAN, up. */
export function addVlan(batch: NetlinkBatch, { name, parent, id }: { name: string; parent: number; id: number }): void {
  batch.message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, linkHeader({ flags: IFF_UP, change: IFF_UP }), (to) => {
    to.text(linkAttributes.ifname, name).u32(linkAttributes.link, parent);
    to.nested(linkAttributes.linkinfo, () => {
      to.text(INFO_KIND, 'vlan');
      to.nested(INFO_DATA, () => to.u16(1, id));
    });
  });
}

export interface LinkChange {
  readonly up?: boolean;
  readonly name?: string;
  readonly mac?: string;
  readonly mtu?: number;
  readonly master?: number;
  readonly alias?: string;
  /** A number by which many links are named at once. */
  readonly group?: number;
  /** Descriptor of the network namespace that it moves to. */
  readonly namespace?: number;
}

export function setLink(batch: NetlinkBatch, index: number, change: LinkChange): void {
  const flags = change.up === undefined ? {} : { flags: change.up ? IFF_UP : 0, change: IFF_UP };
  batch.message(RTM_NEWLINK, 0, linkHeader({ index, ...flags }), (to) => {
    if (change.name !== undefined) to.text(linkAttributes.ifname, change.name);
    if (change.mac !== undefined) to.attribute(linkAttributes.address, macBytes(change.mac));
    if (change.mtu !== undefined) to.u32(linkAttributes.mtu, change.mtu);
    if (change.master !== undefined) to.u32(linkAttributes.master, change.master);
    if (change.namespace !== undefined) to.u32(linkAttributes.netNsFd, change.namespace);
    if (change.group !== undefined) to.u32(linkAttributes.group, change.group);
    if (change.alias !== undefined) to.attribute(linkAttributes.ifalias, Buffer.from(change.alias));
  });
}

/** Lets a bridge send frames back through the port they came from. By name: the link may be of the same batch. */
export function setHairpin(batch: NetlinkBatch, name: string): void {
  batch.message(RTM_NEWLINK, 0, linkHeader({}), (to) => {
    to.text(linkAttributes.ifname, name);
    to.nested(linkAttributes.linkinfo, () => {
      to.text(INFO_SLAVE_KIND, 'bridge');
      to.nested(INFO_SLAVE_DATA, () => to.u8(IFLA_BRPORT_MODE, 1));
    });
  });
}

export function deleteLink(batch: NetlinkBatch, index: number): void {
  batch.message(RTM_DELLINK, 0, linkHeader({ index }));
}

/** All of a group at once: the kernel waits only once for those who still use one of them. */
export function deleteLinkGroup(batch: NetlinkBatch, group: number): void {
  batch.message(RTM_DELLINK, 0, linkHeader({}), (to) => to.u32(linkAttributes.group, group));
}

export function linkByName(socket: NetlinkSocket, name: string): Link | undefined {
  const ask = (to: NetlinkBatch) =>
    void to.text(linkAttributes.ifname, name).u32(linkAttributes.extMask, RTEXT_FILTER_SKIP_STATS);
  return socket.get(RTM_GETLINK, linkHeader({}), ask, decodeLink);
}

export function listLinks(socket: NetlinkSocket): Link[] {
  return socket.dump(RTM_GETLINK, linkHeader({}), decodeLink);
}

function decodeLink({ type, body }: NetlinkMessage): Link | undefined {
  if (type !== RTM_NEWLINK) return undefined;
  const found = decodeAttributes(body.subarray(16));
  const info = found.get(linkAttributes.linkinfo);
  const mac = found.get(linkAttributes.address);
  return {
    index: body.readInt32LE(4),
    name: attributeText(found.get(linkAttributes.ifname)),
    mac: mac ? formatMac(mac) : '',
    kind: info ? attributeText(decodeAttributes(info).get(INFO_KIND)) : '',
    master: found.get(linkAttributes.master)?.readUInt32LE(0),
    up: (body.readUInt32LE(8) & IFF_UP) !== 0,
    alias: attributeText(found.get(linkAttributes.ifalias)),
  };
}

/** struct ifinfomsg */
export function linkHeader(fields: { family?: number; index?: number; flags?: number; change?: number }): Uint8Array {
  const header = Buffer.alloc(16);
  header[0] = fields.family ?? 0;
  header.writeInt32LE(fields.index ?? 0, 4);
  header.writeUInt32LE(fields.flags ?? 0, 8);
  header.writeUInt32LE(fields.change ?? 0, 12);
  return header;
}

export function macBytes(mac: string): Uint8Array {
  return Uint8Array.from(mac.split(':'), (part) => Number.parseInt(part, 16));
}

function formatMac(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':');
}
