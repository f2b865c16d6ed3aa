import type { NftSet } from '@wharf/sys/netlink/nftables';

/** What the rules look up; all that changes while the daemon runs is in here. */
export const setSpecs = [
  { name: 'bridges', key: ['ifname'] },
  { name: 'icc', key: ['ifname', 'ifname'] },
  { name: 'internal', key: ['ifname'] },
  { name: 'open4', key: ['ifname'] },
  { name: 'open6', key: ['ifname'] },
  { name: 'pingable4', key: ['ifname'] },
  { name: 'pingable6', key: ['ifname'] },
  { name: 'routed4', key: ['ipv4_addr', 'inet_proto', 'inet_service'] },
  { name: 'routed6', key: ['ipv6_addr', 'inet_proto', 'inet_service'] },
  { name: 'masquerade4', key: ['ipv4_addr'], interval: true },
  { name: 'masquerade6', key: ['ipv6_addr'], interval: true },
  { name: 'source4', key: ['ipv4_addr'], value: ['ipv4_addr'], interval: true },
  { name: 'source6', key: ['ipv6_addr'], value: ['ipv6_addr'], interval: true },
  { name: 'hairpin4', key: ['ipv4_addr'], interval: true },
  { name: 'hairpin6', key: ['ipv6_addr'], interval: true },
  { name: 'tunnels', key: ['inet_service', 'integer'] },
  { name: 'peers4', key: ['ipv4_addr', 'inet_service', 'integer'] },
  { name: 'peers6', key: ['ipv6_addr', 'inet_service', 'integer'] },
  { name: 'ports4', key: ['inet_proto', 'inet_service'], value: ['ipv4_addr', 'inet_service'] },
  { name: 'ports6', key: ['inet_proto', 'inet_service'], value: ['ipv6_addr', 'inet_service'] },
  { name: 'bound4', key: ['ipv4_addr', 'inet_proto', 'inet_service'], value: ['ipv4_addr', 'inet_service'] },
  { name: 'bound6', key: ['ipv6_addr', 'inet_proto', 'inet_service'], value: ['ipv6_addr', 'inet_service'] },
] as const satisfies readonly NftSet[];

export type SetName = (typeof setSpecs)[number]['name'];
