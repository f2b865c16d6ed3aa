import type { NftExpression } from '@wharf/sys/netlink/nft-expression';
import type { NftChain, NftRule, NftSet } from '@wharf/sys/netlink/nftables';

/** Which links are watched, and what each may say of itself; `peers` is the same of them all, without the links. */
export const spoofSets = [
  { name: 'guarded', key: ['ifname'] },
  { name: 'macs', key: ['ifname', 'ether_addr'] },
  { name: 'own4', key: ['ifname', 'ether_addr', 'ipv4_addr'] },
  { name: 'own6', key: ['ifname', 'ether_addr', 'ipv6_addr'] },
  { name: 'peers4', key: ['ether_addr', 'ipv4_addr'] },
  { name: 'peers6', key: ['ether_addr', 'ipv6_addr'] },
] as const satisfies readonly NftSet[];

export type SpoofSetName = (typeof spoofSets)[number]['name'];

const ethernetTypes = { ip: [0x08, 0x00], arp: [0x08, 0x06], ip6: [0x86, 0xdd] } as const;
const ICMPV6 = 58;
const ROUTER_ADVERTISEMENT = 134;
const NEIGHBOUR_ADVERTISEMENT = 136;

const accept: NftExpression = { expression: 'verdict', verdict: 'accept' };
const drop: NftExpression = { expression: 'verdict', verdict: 'drop' };
const jump = (chain: string): NftExpression => ({ expression: 'jump', chain });
const link: NftExpression = { expression: 'meta', key: 'iifname', register: 1 };
const is = (type: keyof typeof ethernetTypes): NftExpression[] => [
  { expression: 'meta', key: 'protocol', register: 2 },
  { expression: 'compare', is: true, register: 2, value: Uint8Array.from(ethernetTypes[type]) },
];
const load = (base: 'link' | 'network' | 'transport', offset: number, length: number, register = 2): NftExpression => ({
  expression: 'payload',
  base,
  offset,
  length,
  register,
});
const equals = (value: readonly number[]): NftExpression => ({
  expression: 'compare',
  is: true,
  register: 2,
  value: Uint8Array.from(value),
});
/** The link, a MAC address and an address belong together. */
const own = (mac: NftExpression, address: NftExpression, family: 4 | 6, inverted = false): NftExpression[] => [
  link,
  { ...mac, register: 12 } as NftExpression,
  { ...address, register: 14 } as NftExpression,
  { expression: 'lookup', set: `own${family}`, register: 1, ...(inverted ? { inverted } : {}) },
];
const sender = load('link', 6, 6);
/** ARP of RFC 826. */
const arp = { hardware: load('network', 8, 6), protocol: load('network', 14, 4) };
const source = { 4: load('network', 12, 4), 6: load('network', 8, 16) };
/** Of a neighbour advertisement, RFC 4861 section 4.4. */
const advertised = (length: number) => load('transport', 8, length);
/** fe80::/10, and the unspecified address of one that has none yet. */
const isLinkLocal: NftExpression[] = [
  { expression: 'mask', register: 2, mask: Uint8Array.of(0xff, 0xc0) },
  equals([0xfe, 0x80]),
];
// Behind whatever extension headers there are.
const icmp6: NftExpression[] = [{ expression: 'meta', key: 'l4proto', register: 2 }, equals([ICMPV6])];
const ofType = (type: number): NftExpression[] => [load('transport', 0, 1), equals([type])];

/** What nearly every frame is comes first: one lookup tells that it is right. */
const rules: readonly NftRule[] = [
  [...is('ip'), ...own(sender, source[4], 4), jump('sent4')],
  [...is('ip6'), ...own(sender, source[6], 6), jump('sent6')],
  [link, { expression: 'lookup', set: 'guarded', register: 1, inverted: true }, accept],
  [link, load('link', 6, 6), { expression: 'lookup', set: 'macs', register: 1, inverted: true }, drop],
  [...is('arp'), ...own(arp.hardware, arp.protocol, 4), accept],
  // Who asks whether an address is free has none yet.
  [...is('arp'), arp.protocol, equals([0, 0, 0, 0]), accept],
  [...is('arp'), drop],
  [...is('ip'), drop],
  [...is('ip6'), ...icmp6, jump('neighbour-discovery')],
  [...is('ip6'), load('network', 8, 2), ...isLinkLocal, accept],
  [...is('ip6'), source[6], equals(new Array(16).fill(0)), accept],
  [...is('ip6'), drop],
];

/**
 * A frame between two guarded containers is on its bridge's ports only, and no address of it is ever translated:
 * where br_netfilter shows it to the packet rules, it needs no entry in the table of connections.
 */
const toPeer = (family: 4 | 6): NftRule => [
  load('link', 0, 6, 8),
  family === 4 ? load('network', 16, 4, 10) : load('network', 24, 16, 10),
  { expression: 'lookup', set: `peers${family}`, register: 8 },
  { expression: 'notrack' },
];

export const spoofChains: readonly NftChain[] = [
  {
    name: 'neighbour-discovery',
    rules: [
      [...ofType(ROUTER_ADVERTISEMENT), drop],
      [...ofType(NEIGHBOUR_ADVERTISEMENT), advertised(2), ...isLinkLocal, accept],
      [...ofType(NEIGHBOUR_ADVERTISEMENT), ...own(sender, advertised(16), 6, true), drop],
    ],
  },
  { name: 'sent4', rules: [toPeer(4), [accept]] },
  { name: 'sent6', rules: [[...icmp6, jump('neighbour-discovery')], toPeer(6), [accept]] },
  {
    // Runs before a bridge forwards or the host receives.
    name: 'own-addresses-only',
    hook: { type: 'filter', at: 'prerouting', priority: -300 },
    rules,
  },
];
