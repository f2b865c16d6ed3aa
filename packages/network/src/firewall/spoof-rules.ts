import type { NftExpression } from '@wharf/sys/netlink/nft-expression';
import type { NftChain, NftRule, NftSet } from '@wharf/sys/netlink/nftables';

/** Which links are watched, and what each may say of itself. */
export const spoofSets = [
  { name: 'guarded', key: ['ifname'] },
  { name: 'macs', key: ['ifname', 'ether_addr'] },
  { name: 'own4', key: ['ifname', 'ipv4_addr'] },
  { name: 'own6', key: ['ifname', 'ipv6_addr'] },
] as const satisfies readonly NftSet[];

export type SpoofSetName = (typeof spoofSets)[number]['name'];

const ethernetTypes = { ip: [0x08, 0x00], arp: [0x08, 0x06], ip6: [0x86, 0xdd] } as const;
const ICMPV6 = 58;
const ROUTER_ADVERTISEMENT = 134;
const NEIGHBOUR_ADVERTISEMENT = 136;

const accept: NftExpression = { expression: 'verdict', verdict: 'accept' };
const drop: NftExpression = { expression: 'verdict', verdict: 'drop' };
const link: NftExpression = { expression: 'meta', key: 'iifname', register: 1 };
const is = (type: keyof typeof ethernetTypes): NftExpression[] => [
  { expression: 'meta', key: 'protocol', register: 2 },
  { expression: 'compare', is: true, register: 2, value: Uint8Array.from(ethernetTypes[type]) },
];
const network = (offset: number, length: number): NftExpression => ({
  expression: 'payload',
  base: 'network',
  offset,
  length,
  register: 2,
});
const equals = (value: readonly number[]): NftExpression => ({
  expression: 'compare',
  is: true,
  register: 2,
  value: Uint8Array.from(value),
});
const own = (set: SpoofSetName, inverted = false): NftExpression => ({
  expression: 'lookup',
  set,
  register: 1,
  ...(inverted ? { inverted } : {}),
});
/** fe80::/10, and the unspecified address of one that has none yet. */
const isLinkLocal: NftExpression[] = [
  { expression: 'mask', register: 2, mask: Uint8Array.of(0xff, 0xc0) },
  equals([0xfe, 0x80]),
];
const icmp6 = (type: number): NftExpression[] => [
  ...is('ip6'),
  network(6, 1),
  equals([ICMPV6]),
  { expression: 'payload', base: 'transport', offset: 0, length: 1, register: 2 },
  equals([type]),
];

/** ARP of RFC 826: the sender's address is at 14. Neighbour advertisements of RFC 4861: the target is at 8. */
const rules: readonly NftRule[] = [
  [link, { expression: 'lookup', set: 'guarded', register: 1, inverted: true }, accept],
  [link, { expression: 'payload', base: 'link', offset: 6, length: 6, register: 2 }, own('macs', true), drop],
  [...is('arp'), link, network(14, 4), own('own4'), accept],
  // Who asks whether an address is free has none yet.
  [...is('arp'), network(14, 4), equals([0, 0, 0, 0]), accept],
  [...is('arp'), drop],
  [...is('ip'), link, network(12, 4), own('own4', true), drop],
  [...icmp6(ROUTER_ADVERTISEMENT), drop],
  [...icmp6(NEIGHBOUR_ADVERTISEMENT), network(48, 2), ...isLinkLocal, accept],
  [...icmp6(NEIGHBOUR_ADVERTISEMENT), link, network(48, 16), own('own6', true), drop],
  [...is('ip6'), network(8, 2), ...isLinkLocal, accept],
  [...is('ip6'), network(8, 16), equals(new Array(16).fill(0)), accept],
  [...is('ip6'), link, network(8, 16), own('own6', true), drop],
];

/** Runs before a bridge forwards or the host receives. */
export const spoofChain: NftChain = {
  name: 'own-addresses-only',
  hook: { type: 'filter', at: 'prerouting', priority: -300 },
  rules,
};
