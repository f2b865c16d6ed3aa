import type { NftExpression } from '@wharf/sys/netlink/nft-expression';
import type { NftChain, NftRule } from '@wharf/sys/netlink/nftables';
import type { SetName } from './sets.ts';

const RTN_LOCAL = 2;
const stateEstablishedOrRelated = 2 | 4;
const statusDestinationNat = 1 << 5;

const word = (value: number) => new Uint8Array(Uint32Array.of(value).buffer);
/** On packets that our rules let pass: chains of others that drop by policy are told to let those pass, too. */
const admittedBit = 1 << 22;

const accept: NftExpression = { expression: 'verdict', verdict: 'accept' };
const drop: NftExpression = { expression: 'verdict', verdict: 'drop' };
const masquerade: NftExpression = { expression: 'masquerade' };
const jump = (chain: string): NftExpression => ({ expression: 'jump', chain });
const admit = jump('admit');
const admitHere: NftExpression[] = [
  { expression: 'meta', key: 'mark', register: 1 },
  { expression: 'mask', register: 1, mask: word(~admittedBit), xor: word(admittedBit) },
  { expression: 'set-mark', register: 1 },
  accept,
];
const isFamily = (family: 4 | 6, register = 1): NftExpression[] => [
  { expression: 'meta', key: 'nfproto', register },
  { expression: 'compare', is: true, register, value: Uint8Array.of(family === 4 ? 2 : 10) },
];
const inputIn = (set: SetName): NftExpression[] => [
  { expression: 'meta', key: 'iifname', register: 1 },
  { expression: 'lookup', set, register: 1 },
];
const outputIn = (set: SetName): NftExpression[] => [
  { expression: 'meta', key: 'oifname', register: 1 },
  { expression: 'lookup', set, register: 1 },
];
const outputNotIn = (set: SetName): NftExpression[] => [
  { expression: 'meta', key: 'oifname', register: 1 },
  { expression: 'lookup', set, register: 1, inverted: true },
];
const sourceIn = (set: 'masquerade' | 'hairpin' | 'source', family: 4 | 6, into?: number): NftExpression[] => [
  ...isFamily(family),
  family === 4
    ? { expression: 'payload', base: 'network', offset: 12, length: 4, register: 1 }
    : { expression: 'payload', base: 'network', offset: 8, length: 16, register: 1 },
  { expression: 'lookup', set: `${set}${family}`, register: 1, ...(into === undefined ? {} : { into }) },
];
const connection = (key: 'state' | 'status', bits: number): NftExpression[] => [
  { expression: 'ct', key, register: 1 },
  { expression: 'mask', register: 1, mask: word(bits) },
  { expression: 'compare', is: false, register: 1, value: word(0) },
];
const toThisHost: NftExpression[] = [
  { expression: 'fib-daddr-type', register: 1 },
  { expression: 'compare', is: true, register: 1, value: word(RTN_LOCAL) },
];

/** Loads `[address .] protocol . port` of the destination, and sends the packet where the map says. */
function publish(family: 4 | 6, map: 'ports' | 'bound'): NftExpression[] {
  const addressRegisters = family === 4 ? 1 : 4;
  const first = 8 + (map === 'bound' ? addressRegisters : 0);
  const address: NftExpression[] =
    map === 'ports'
      ? []
      : [
          family === 4
            ? { expression: 'payload', base: 'network', offset: 16, length: 4, register: 1 }
            : { expression: 'payload', base: 'network', offset: 24, length: 16, register: 1 },
        ];
  return [
    ...isFamily(family),
    ...address,
    { expression: 'meta', key: 'l4proto', register: first },
    { expression: 'payload', base: 'transport', offset: 2, length: 2, register: first + 1 },
    { expression: 'lookup', set: `${map}${family}`, register: 1, into: 1 },
    {
      expression: 'dnat',
      family: family === 4 ? 'ip' : 'ip6',
      addressRegister: 1,
      portRegister: family === 4 ? 9 : 12,
    },
  ];
}

/** For the head of another's chain. */
export const acceptAdmitted: NftRule = [
  { expression: 'meta', key: 'mark', register: 1 },
  { expression: 'mask', register: 1, mask: word(admittedBit) },
  { expression: 'compare', is: false, register: 1, value: word(0) },
  accept,
];

/** A VXLAN packet for one of our tunnels: UDP, and port . identifier are known. RFC 7348, section 5 */
function tunnel(register: 1): NftExpression[] {
  const UDP = 17;
  return [
    { expression: 'meta', key: 'l4proto', register },
    { expression: 'compare', is: true, register, value: Uint8Array.of(UDP) },
    { expression: 'payload', base: 'transport', offset: 2, length: 2, register: 8 },
    { expression: 'payload', base: 'transport', offset: 12, length: 3, register: 9 },
    { expression: 'lookup', set: 'tunnels', register: 8 },
  ];
}

/** The destination is a port that a container of a routed network publishes. */
function routedPort(family: 4 | 6): NftExpression[] {
  const first = family === 4 ? 9 : 12;
  return [
    family === 4
      ? { expression: 'payload', base: 'network', offset: 16, length: 4, register: 1 }
      : { expression: 'payload', base: 'network', offset: 24, length: 16, register: 1 },
    { expression: 'meta', key: 'l4proto', register: first },
    { expression: 'payload', base: 'transport', offset: 2, length: 2, register: first + 1 },
    { expression: 'lookup', set: `routed${family}`, register: 1 },
  ];
}

function isPing(family: 4 | 6): NftExpression[] {
  const icmp = { 4: 1, 6: 58 };
  return [
    { expression: 'meta', key: 'l4proto', register: 1 },
    { expression: 'compare', is: true, register: 1, value: Uint8Array.of(icmp[family]) },
  ];
}

/** Replaces the source where the network has a host address of its own for that. */
function chosenSource(family: 4 | 6): NftExpression[] {
  return [
    ...sourceIn('source', family, 1),
    { expression: 'snat', family: family === 4 ? 'ip' : 'ip6', addressRegister: 1 },
  ];
}

/** The rules of the daemon's table. They never change. */
export const chains: readonly NftChain[] = [
  {
    name: 'publish',
    rules: [publish(4, 'bound'), publish(4, 'ports'), publish(6, 'bound'), publish(6, 'ports')],
  },
  {
    name: 'guard',
    hook: { type: 'filter', at: 'prerouting', priority: -300 },
    rules: [
      // Bridges have route_localnet for published ports on 127.0.0.1: a container must not use it to reach the
      // host's loopback services (CVE-2020-8558).
      [
        ...isFamily(4),
        { expression: 'payload', base: 'network', offset: 16, length: 1, register: 1 },
        { expression: 'compare', is: true, register: 1, value: Uint8Array.of(127) },
        ...inputIn('bridges'),
        drop,
      ],
      // Whoever can send a VXLAN packet with a network's identifier would be in the network.
      [...tunnel(1), jump('from-tunnel')],
    ],
  },
  {
    name: 'from-tunnel',
    rules: [
      [...isFamily(4), jump('from-peer4')],
      [...isFamily(6), jump('from-peer6')],
    ],
  },
  ...([4, 6] as const).map(
    (family): NftChain => ({
      name: `from-peer${family}`,
      rules: [
        [
          family === 4
            ? { expression: 'payload', base: 'network', offset: 12, length: 4, register: 8 }
            : { expression: 'payload', base: 'network', offset: 8, length: 16, register: 8 },
          { expression: 'payload', base: 'transport', offset: 2, length: 2, register: family === 4 ? 9 : 12 },
          { expression: 'payload', base: 'transport', offset: 12, length: 3, register: family === 4 ? 10 : 13 },
          { expression: 'lookup', set: `peers${family}`, register: 8 },
          { expression: 'verdict', verdict: 'return' },
        ],
        [drop],
      ],
    }),
  ),
  {
    name: 'prerouting',
    hook: { type: 'nat', at: 'prerouting', priority: -100 },
    rules: [[...toThisHost, jump('publish')]],
  },
  {
    name: 'output',
    hook: { type: 'nat', at: 'output', priority: -100 },
    rules: [[...toThisHost, jump('publish')]],
  },
  { name: 'admit', rules: [admitHere] },
  {
    name: 'to-bridge',
    rules: [
      [...outputIn('internal'), drop],
      [...inputIn('internal'), drop],
      // What was published is reachable, from other networks too; an address of another network is not.
      [...connection('status', statusDestinationNat), admit],
      ...([4, 6] as const).flatMap((family) => [
        [...isFamily(family), ...outputIn(`open${family}`), admit],
        [...isFamily(family), ...routedPort(family), admit],
        [...isFamily(family), ...isPing(family), ...outputIn(`pingable${family}`), admit],
      ]),
      [drop],
    ],
  },
  {
    name: 'forward',
    // Before the usual filters, which see the mark.
    hook: { type: 'filter', at: 'forward', priority: -10 },
    rules: [
      [...connection('state', stateEstablishedOrRelated), ...outputIn('bridges'), ...admitHere],
      [...connection('state', stateEstablishedOrRelated), ...inputIn('bridges'), ...admitHere],
      [
        { expression: 'meta', key: 'iifname', register: 1 },
        { expression: 'meta', key: 'oifname', register: 2 },
        { expression: 'lookup', set: 'icc', register: 1 },
        ...admitHere,
      ],
      [...outputIn('bridges'), jump('to-bridge')],
      [...inputIn('internal'), drop],
      [...inputIn('bridges'), admit],
    ],
  },
  {
    name: 'postrouting',
    hook: { type: 'nat', at: 'postrouting', priority: 100 },
    rules: [
      // A container that reaches its own or a neighbour's published port, and the host by loopback: without a
      // new source the answer would bypass the translation.
      ...([4, 6] as const).map((family) => [
        ...outputIn('bridges'),
        ...connection('status', statusDestinationNat),
        ...sourceIn('hairpin', family),
        masquerade,
      ]),
      ...([4, 6] as const).map((family) => [...outputNotIn('bridges'), ...sourceIn('masquerade', family), masquerade]),
      ...([4, 6] as const).map((family) => [...outputNotIn('bridges'), ...chosenSource(family)]),
    ],
  },
];
