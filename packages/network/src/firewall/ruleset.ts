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
}

/** A published port. */
export interface FirewallPort {
  readonly transport: 'tcp' | 'udp' | 'sctp';
  /** Undefined is every address of the host, of the target's family. */
  readonly hostAddress?: Address;
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

export function ruleset(bridges: readonly FirewallBridge[], ports: readonly FirewallPort[]): Ruleset {
  const elements = [...fixedElements(), ...bridges.flatMap(bridgeElements), ...ports.map(portElement)];
  return {
    sets: setSpecs.map((spec) => ({
      ...spec,
      elements: elements.filter(({ set }) => set === spec.name).map(({ element }) => element),
    })),
    chains,
  };
}

function fixedElements(): SetElement[] {
  return [{ set: 'hairpin4', element: rangeElement(parsePrefix('127.0.0.0/8')!) }];
}

export function bridgeElements({ name, subnets, internal, icc, masquerade }: FirewallBridge): SetElement[] {
  const link = interfaceName(name);
  const elements: SetElement[] = [{ set: 'bridges', element: { key: link } }];
  if (icc) elements.push({ set: 'icc', element: { key: Buffer.concat([link, link]) } });
  if (internal) elements.push({ set: 'internal', element: { key: link } });
  for (const subnet of subnets) {
    elements.push({ set: `hairpin${subnet.family}`, element: rangeElement(subnet) });
    if (masquerade && !internal) elements.push({ set: `masquerade${subnet.family}`, element: rangeElement(subnet) });
  }
  return elements;
}

export function portElement({ transport, hostAddress, hostPort, target, targetPort }: FirewallPort): SetElement {
  const key = Buffer.concat([Uint8Array.of(transportNumbers[transport], 0, 0, 0), portBytes(hostPort)]);
  const value = Buffer.concat([addressBytes(target), portBytes(targetPort)]);
  if (!hostAddress) return { set: `ports${target.family}`, element: { key, value } };
  return { set: `bound${target.family}`, element: { key: Buffer.concat([addressBytes(hostAddress), key]), value } };
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

/** A port, padded to a register. */
function portBytes(port: number): Uint8Array {
  return Uint8Array.of(port >> 8, port & 255, 0, 0);
}
