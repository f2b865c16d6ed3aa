import type { NetlinkBatch } from './batch.ts';
import { IFF_UP, linkAttributes, linkHeader, macBytes } from './link.ts';

const RTM_NEWLINK = 16;
const RTM_NEWNEIGH = 28;
const NLM_F_EXCL = 0x200;
const NLM_F_CREATE = 0x400;
const NLM_F_APPEND = 0x800;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
/** IFLA_VXLAN_* of if_link.h */
const vxlan = { id: 1, local: 4, learning: 7, port: 15, local6: 17 } as const;
const AF_BRIDGE = 7;
const NUD_PERMANENT_NOARP = 0x80 | 0x40;
const NTF_SELF = 2;
const NDA_DST = 1;
const NDA_LLADDR = 2;
const everybody = new Uint8Array(6);

export interface VxlanSpec {
  readonly name: string;
  /** VXLAN network identifier, 24 bits. */
  readonly id: number;
  /** UDP port of all ends. */
  readonly port: number;
  /** Where this end sends from; undefined is the address of the route to each peer. */
  readonly local?: Uint8Array;
  /** Index of the bridge that it is a port of. */
  readonly master: number;
  readonly mac: string;
  readonly mtu: number;
}

/** Creates a VXLAN tunnel end, up, as a port of a bridge. RFC 7348 */
export function addVxlan(batch: NetlinkBatch, spec: VxlanSpec): void {
  batch.message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, linkHeader({ flags: IFF_UP, change: IFF_UP }), (to) => {
    to.text(linkAttributes.ifname, spec.name).attribute(linkAttributes.address, macBytes(spec.mac));
    to.u32(linkAttributes.mtu, spec.mtu).u32(linkAttributes.master, spec.master);
    to.nested(linkAttributes.linkinfo, () => {
      to.text(IFLA_INFO_KIND, 'vxlan');
      to.nested(IFLA_INFO_DATA, () => {
        to.u32(vxlan.id, spec.id).u8(vxlan.learning, 1);
        to.attribute(vxlan.port, Uint8Array.of(spec.port >> 8, spec.port & 255));
        if (spec.local) to.attribute(spec.local.length === 4 ? vxlan.local : vxlan.local6, spec.local);
      });
    });
  });
}

/** Sends what is for everybody, or for nobody known yet, to this peer too. */
export function addVxlanPeer(batch: NetlinkBatch, link: number, peer: Uint8Array): void {
  const header = Buffer.alloc(12);
  header[0] = AF_BRIDGE;
  header.writeInt32LE(link, 4);
  header.writeUInt16LE(NUD_PERMANENT_NOARP, 8);
  header[10] = NTF_SELF;
  batch.message(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_APPEND, header, (to) => {
    to.attribute(NDA_LLADDR, everybody).attribute(NDA_DST, peer);
  });
}
