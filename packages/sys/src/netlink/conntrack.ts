import { hasErrno } from '../errno.ts';
import { decodeAttributes, NetlinkBatch } from './batch.ts';
import type { NetlinkSocket } from './socket.ts';

const NFNL_SUBSYS_CTNETLINK = 1;
const IPCTNL_MSG_CT_NEW = 0;
const IPCTNL_MSG_CT_GET = 1;
const IPCTNL_MSG_CT_DELETE = 2;
const CTA_TUPLE_ORIG = 1;
const CTA_TUPLE_REPLY = 2;
const CTA_TUPLE_IP = 1;
const CTA_TUPLE_PROTO = 2;
const CTA_PROTO_NUM = 1;
const CTA_PROTO_DST_PORT = 3;
const IPPROTO_UDP = 17;

/** A tracked UDP flow. */
export interface UdpFlow {
  /** The port that the first packet was sent to. */
  readonly destinationPort: number;
  /** Whose answers belong to it: where its packets go after translation. Network byte order. */
  readonly answerer: Uint8Array;
}

/**
 * Forgets UDP flows. A flow keeps the translation that its first packet met, for as long as packets come: rules
 * made or removed since do not touch it.
 */
export function forgetUdpFlows(socket: NetlinkSocket, matches: (flow: UdpFlow) => boolean): void {
  const type = NFNL_SUBSYS_CTNETLINK << 8;
  const found = socket.dump(type | IPCTNL_MSG_CT_GET, Buffer.alloc(4), (message) => {
    if (message.type !== (type | IPCTNL_MSG_CT_NEW)) return undefined;
    const attributes = decodeAttributes(message.body.subarray(4));
    const original = attributes.get(CTA_TUPLE_ORIG);
    const flow = original && decodeFlow(original, attributes.get(CTA_TUPLE_REPLY));
    if (!flow || !matches(flow)) return undefined;
    return { family: message.body[0]!, tuple: Uint8Array.from(original) };
  });
  for (const { family, tuple } of found) {
    const batch = new NetlinkBatch().message(type | IPCTNL_MSG_CT_DELETE, 0, Uint8Array.of(family, 0, 0, 0), (to) =>
      to.attribute(CTA_TUPLE_ORIG | 0x8000, tuple),
    );
    try {
      socket.transact(batch, 'forget a UDP flow');
    } catch (error) {
      // It ended by itself in the meantime.
      if (!hasErrno(error, 'ENOENT')) throw error;
    }
  }
}

function decodeFlow(original: Buffer, reply: Buffer | undefined): UdpFlow | undefined {
  const protocol = decodeAttributes(decodeAttributes(original).get(CTA_TUPLE_PROTO) ?? Buffer.alloc(0));
  if (!reply || protocol.get(CTA_PROTO_NUM)?.[0] !== IPPROTO_UDP) return undefined;
  const addresses = decodeAttributes(decodeAttributes(reply).get(CTA_TUPLE_IP) ?? Buffer.alloc(0));
  // CTA_IP_V4_SRC, CTA_IP_V6_SRC
  const answerer = addresses.get(1) ?? addresses.get(3);
  const port = protocol.get(CTA_PROTO_DST_PORT);
  return answerer && port && { destinationPort: port.readUInt16BE(0), answerer: Uint8Array.from(answerer) };
}
