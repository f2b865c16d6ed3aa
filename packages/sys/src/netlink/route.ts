import { decodeAttributes, type NetlinkBatch } from './batch.ts';
import { type NetlinkMessage, NetlinkSocket } from './socket.ts';

const RTM_NEWADDR = 20;
const RTM_DELADDR = 21;
const RTM_GETADDR = 22;
const RTM_NEWROUTE = 24;
const RTM_DELROUTE = 25;
const RTM_GETROUTE = 26;
const NLM_F_EXCL = 0x200;
const NLM_F_REPLACE = 0x100;
const NLM_F_CREATE = 0x400;
const AF_INET = 2;
const AF_INET6 = 10;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_BROADCAST = 4;
const IFA_F_NODAD = 2;
const RTA_DST = 1;
const RTA_OIF = 4;
const RTA_GATEWAY = 5;
const RTA_PRIORITY = 6;
const RT_TABLE_MAIN = 254;
const RT_TABLE_LOCAL = 255;
const RTPROT_KERNEL = 2;
const RT_SCOPE_HOST = 254;
const RTN_LOCAL = 2;
const RTPROT_BOOT = 3;
const RT_SCOPE_LINK = 253;
const RTN_UNICAST = 1;

/** An address with its prefix, in network byte order: 4 bytes or 16. */
export interface RawPrefix {
  readonly address: Uint8Array;
  readonly length: number;
}

const family = (address: Uint8Array) => (address.length === 4 ? AF_INET : AF_INET6);

/** Adds an address to a link, for IPv6 without waiting for duplicate address detection. */
export function addAddress(batch: NetlinkBatch, index: number, { address, length }: RawPrefix): void {
  batch.message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, addressHeader(index, { address, length }), (to) => {
    to.attribute(IFA_LOCAL, address).attribute(IFA_ADDRESS, address);
    if (address.length === 4 && length < 31) to.attribute(IFA_BROADCAST, broadcast(address, length));
  });
}

export function deleteAddress(batch: NetlinkBatch, index: number, { address, length }: RawPrefix): void {
  batch.message(RTM_DELADDR, 0, addressHeader(index, { address, length }), (to) => {
    to.attribute(IFA_LOCAL, address).attribute(IFA_ADDRESS, address);
  });
}

export interface LinkAddress extends RawPrefix {
  /** Of its link. */
  readonly index: number;
}

export function listAddresses(socket: NetlinkSocket): LinkAddress[] {
  return socket.dump(RTM_GETADDR, Buffer.alloc(8), readAddress);
}

function readAddress({ type, body }: NetlinkMessage): LinkAddress | undefined {
  if (type !== RTM_NEWADDR && type !== RTM_DELADDR) return undefined;
  const found = decodeAttributes(body.subarray(8));
  const address = found.get(IFA_LOCAL) ?? found.get(IFA_ADDRESS);
  if (!address) return undefined;
  return { index: body.readUInt32LE(4), length: body[1]!, address: Uint8Array.from(address) };
}

export interface RouteSpec {
  /** Undefined is the default route of the gateway's family. */
  readonly destination?: RawPrefix;
  readonly gateway?: Uint8Array;
  /** Index of the link. */
  readonly link?: number;
}

export function addRoute(batch: NetlinkBatch, route: RouteSpec): void {
  batch.message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, routeHeader(route), (to) => routeAttributes(to, route));
}

export function deleteRoute(batch: NetlinkBatch, route: RouteSpec): void {
  batch.message(RTM_DELROUTE, 0, routeHeader(route), (to) => routeAttributes(to, route));
}

/**
 * Makes an address reachable at once. For IPv6 the kernel adds this route by itself, but later, from a work queue;
 * who uses the address before that waits for three unanswered neighbour solicitations.
 */
export function addLocalRoute(batch: NetlinkBatch, link: number, address: Uint8Array): void {
  const header = Buffer.alloc(12);
  header[0] = family(address);
  header[1] = address.length * 8;
  header[4] = RT_TABLE_LOCAL;
  header[5] = RTPROT_KERNEL;
  header[6] = RT_SCOPE_HOST;
  header[7] = RTN_LOCAL;
  batch.message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, header, (to) => {
    to.attribute(RTA_DST, address).u32(RTA_OIF, link);
  });
}

/** A route of the main table; a default route has length 0. */
export interface Route extends RawPrefix {
  readonly gateway: Uint8Array | undefined;
  readonly link: number | undefined;
  readonly priority: number;
  /** It came with an address. */
  readonly byKernel: boolean;
}

/** The unicast routes of the main table, both families. */
export function listRoutes(socket: NetlinkSocket): Route[] {
  return socket.dump(RTM_GETROUTE, Buffer.alloc(12), readRoute);
}

function readRoute({ type, body }: NetlinkMessage): Route | undefined {
  if (type !== RTM_NEWROUTE && type !== RTM_DELROUTE) return undefined;
  if (body[4] !== RT_TABLE_MAIN || body[7] !== RTN_UNICAST) return undefined;
  if (body[0] !== AF_INET && body[0] !== AF_INET6) return undefined;
  const found = decodeAttributes(body.subarray(12));
  const destination = found.get(RTA_DST) ?? Buffer.alloc(body[0] === AF_INET ? 4 : 16);
  const gateway = found.get(RTA_GATEWAY);
  return {
    address: Uint8Array.from(destination),
    length: body[1]!,
    gateway: gateway && Uint8Array.from(gateway),
    link: found.get(RTA_OIF)?.readUInt32LE(0),
    priority: found.get(RTA_PRIORITY)?.readUInt32LE(0) ?? 0,
    byKernel: body[5] === RTPROT_KERNEL,
  };
}

/** RTMGRP_IPV4_IFADDR, RTMGRP_IPV4_ROUTE, RTMGRP_IPV6_IFADDR, RTMGRP_IPV6_ROUTE of linux/rtnetlink.h. */
const addressAndRouteGroups = 0x10 | 0x40 | 0x100 | 0x400;

/** Hears of every address and route of the main table that comes or goes. */
export function listenToRoutes(): NetlinkSocket {
  return NetlinkSocket.listen('route', addressAndRouteGroups);
}

/** Those that came or went since the last call; undefined when some were missed. */
export function changedRoutes(listener: NetlinkSocket): (LinkAddress | Route)[] | undefined {
  return listener.heard((message) => readAddress(message) ?? readRoute(message));
}

/** struct ifaddrmsg */
function addressHeader(index: number, { address, length }: RawPrefix): Uint8Array {
  const header = Buffer.alloc(8);
  header[0] = family(address);
  header[1] = length;
  header[2] = address.length === 4 ? 0 : IFA_F_NODAD;
  header.writeUInt32LE(index, 4);
  return header;
}

/** struct rtmsg */
function routeHeader({ destination, gateway }: RouteSpec): Uint8Array {
  const sample = destination?.address ?? gateway;
  if (!sample) throw new TypeError('Cannot make a route: it has neither a destination nor a gateway');
  const header = Buffer.alloc(12);
  header[0] = family(sample);
  header[1] = destination?.length ?? 0;
  header[4] = RT_TABLE_MAIN;
  header[5] = RTPROT_BOOT;
  header[6] = gateway ? 0 : RT_SCOPE_LINK;
  header[7] = RTN_UNICAST;
  return header;
}

function routeAttributes(to: NetlinkBatch, { destination, gateway, link }: RouteSpec): void {
  if (destination) to.attribute(RTA_DST, destination.address);
  if (gateway) to.attribute(RTA_GATEWAY, gateway);
  if (link !== undefined) to.u32(RTA_OIF, link);
}

function broadcast(address: Uint8Array, length: number): Uint8Array {
  const value = new DataView(address.buffer, address.byteOffset).getUint32(0);
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE((value | (0xffffffff >>> length)) >>> 0);
  return bytes;
}
