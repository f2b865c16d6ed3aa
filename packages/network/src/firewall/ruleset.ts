import type { NftChain, NftElement, NftSet } from '@wharf/sys/netlink/nftables';
import { type Address, addressBytes, type Prefix, parsePrefix, prefixEnd } from '../address.ts';
import { chains } from './chains.ts';
import { type SetName, setSpecs } from './sets.ts';

/** A bridge as the firewall sees it. */
export interface FirewallBridge {
  /** The link's name. */
  readonly name: string;
  readonly subnets: readonly Prefix[];
  /** Nothing leaves it, nothing enters it. */
  readonly internal: boolean;
  /** Its containers reach each other. */
  readonly icc: boolean;
  readonly masquerade: boolean;
  /** Docker's gateway mode of each family; `isolated` needs no rules, its bridge has no address. */
  readonly modes: Readonly<Record<4 | 6, GatewayMode>>;
  /** What outgoing connections get as their source instead of the leaving link's address. */
  readonly sources: readonly Address[];
  /** Links from which every port of the containers may be reached. */
  readonly trusted: readonly string[];
}

/** An end of a VXLAN tunnel: only its peers may send to it. */
export interface FirewallTunnel {
  readonly name: string;
  /** VXLAN network identifier. */
  readonly id: number;
  readonly port: number;
  readonly peers: readonly Address[];
}

export type GatewayMode = 'nat' | 'nat-unprotected' | 'routed' | 'isolated';

/** A published port. */
export interface FirewallPort {
  readonly transport: 'tcp' | 'udp' | 'sctp';
  /** Undefined is every address of the host, of the target's family. */
  readonly hostAddress?: Address;
  /** 0 on a routed network: the container's own address is the one to connect to. */
  readonly hostPort: number;
  readonly target: Address;
  readonly targetPort: number;
}

/** The daemon's whole table. All that changes while it runs are elements of the sets; the rules stand. */
export interface Ruleset {
  readonly sets: readonly (NftSet & { readonly elements: readonly NftElement[] })[];
  readonly chains: readonly NftChain[];
}

export interface SetElement {
  readonly set: SetName;
  readonly element: NftElement;
}

const transportNumbers = { tcp: 6, udp: 17, sctp: 132 } as const;

export function ruleset({ bridges, ports, tunnels }: RulesetInput): Ruleset {
  const elements = [
    ...fixedElements(),
    ...bridges.flatMap(bridgeElements),
    ...ports.map(portElement),
    ...tunnels.flatMap(tunnelElements),
  ];
  return {
    sets: setSpecs.map((spec) => ({
      ...spec,
      elements: elements.filter(({ set }) => set === spec.name).map(({ element }) => element),
    })),
    chains,
  };
}

export interface RulesetInput {
  readonly bridges: readonly FirewallBridge[];
  readonly ports: readonly FirewallPort[];
  readonly tunnels: readonly FirewallTunnel[];
}

function fixedElements(): SetElement[] {
  return [{ set: 'hairpin4', element: rangeElement(parsePrefix('127.0.0.0/8')!) }];
}

export function bridgeElements(bridge: FirewallBridge): SetElement[] {
  const { name, subnets, internal, icc, trusted } = bridge;
  const link = interfaceName(name);
  const elements: SetElement[] = [{ set: 'bridges', element: { key: link } }];
  if (icc) elements.push({ set: 'icc', element: { key: Buffer.concat([link, link]) } });
  if (internal) elements.push({ set: 'internal', element: { key: link } });
  for (const from of trusted)
    elements.push({ set: 'icc', element: { key: Buffer.concat([interfaceName(from), link]) } });
  for (const family of [4, 6] as const) {
    if (internal) break;
    if (bridge.modes[family] === 'nat-unprotected') elements.push({ set: `open${family}`, element: { key: link } });
    if (bridge.modes[family] === 'routed') elements.push({ set: `pingable${family}`, element: { key: link } });
  }
  return [...elements, ...subnets.flatMap((subnet) => subnetElements(bridge, subnet))];
}

function subnetElements({ internal, masquerade, modes, sources }: FirewallBridge, subnet: Prefix): SetElement[] {
  const { family } = subnet;
  const range = rangeElement(subnet);
  const elements: SetElement[] = [{ set: `hairpin${family}`, element: range }];
  if (internal || !masquerade || modes[family] === 'routed') return elements;
  const source = sources.find((address) => address.family === family);
  if (!source) return [...elements, { set: `masquerade${family}`, element: range }];
  return [...elements, { set: `source${family}`, element: { ...range, value: addressBytes(source) } }];
}

export function tunnelElements({ id, port, peers }: FirewallTunnel): SetElement[] {
  const tunnel = Buffer.concat([portBytes(port), Uint8Array.of(id >> 16, (id >> 8) & 255, id & 255, 0)]);
  return [
    { set: 'tunnels', element: { key: tunnel } },
    ...peers.map(
      (peer): SetElement => ({
        set: `peers${peer.family}`,
        element: { key: Buffer.concat([addressBytes(peer), tunnel]) },
      }),
    ),
  ];
}

export function portElement({ transport, hostAddress, hostPort, target, targetPort }: FirewallPort): SetElement {
  const protocol = Uint8Array.of(transportNumbers[transport], 0, 0, 0);
  if (hostPort === 0) {
    const key = Buffer.concat([addressBytes(target), protocol, portBytes(targetPort)]);
    return { set: `routed${target.family}`, element: { key } };
  }
  const key = joined(protocol, portBytes(hostPort));
  const value = joined(addressBytes(target), portBytes(targetPort));
  if (!hostAddress) return { set: `ports${target.family}`, element: { key, value } };
  return { set: `bound${target.family}`, element: { key: joined(addressBytes(hostAddress), key), value } };
}

function rangeElement(prefix: Prefix): NftElement {
  const key = addressBytes({ family: prefix.family, value: prefix.base });
  const end = prefixEnd(prefix);
  return end ? { key, end: addressBytes(end) } : { key };
}

function interfaceName(name: string): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.write(name);
  return bytes;
}

/** Of a few bytes each: many times as fast as Buffer.concat. */
function joined(head: Uint8Array, tail: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(head.length + tail.length);
  bytes.set(head);
  bytes.set(tail, head.length);
  return bytes;
}

/** A port, padded to a register. */
function portBytes(port: number): Uint8Array {
  return Uint8Array.of(port >> 8, port & 255, 0, 0);
}
