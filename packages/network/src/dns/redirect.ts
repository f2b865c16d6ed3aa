import type { NftExpression } from '@wharf/sys/netlink/nft-expression';
import { listTables, type NftChain, type NftTable, NftTransaction } from '@wharf/sys/netlink/nftables';
import { NetlinkSocket } from '@wharf/sys/netlink/socket';

const table: NftTable = { family: 'ip', name: 'wharf-dns' };
const address = Uint8Array.of(127, 0, 0, 11);
/** Their numbers, and where their headers have the checksum. */
const protocols = { udp: { number: 17, checksum: 6 }, tcp: { number: 6, checksum: 16 } } as const;
const dnsPort = 53;
/** Of a packet that leaves a port or goes to one: where its header has the address and the port. */
const ends = { source: { address: 12, port: 0 }, destination: { address: 16, port: 2 } } as const;

/** What this namespace has of us already; `stale` sends to other ports. */
export type Redirected = 'not' | 'stale';

/**
 * In the present network namespace: sends what asks 127.0.0.11:53 to these ports of the same address, and gives the
 * answers the port that was asked. Both are on their way out of a socket, so that ports can be written into packets
 * as they are. A translation would make the kernel keep a table of all of the container's connections. Replacing a
 * stale table waits for the kernel, some 13 ms.
 */
export function redirectDns(ports: { udp: number; tcp: number }, found: Redirected): void {
  using socket = NetlinkSocket.open('netfilter');
  const rules = (['udp', 'tcp'] as const).flatMap((protocol) => [
    rewrite(protocol, { end: 'destination', from: dnsPort, to: ports[protocol] }),
    rewrite(protocol, { end: 'source', from: ports[protocol], to: dnsPort }),
  ]);
  const chain: NftChain = { name: 'output', hook: { type: 'filter', at: 'output', priority: -100 }, rules };
  const transaction = new NftTransaction().addTable(table);
  if (found === 'stale') transaction.deleteTable(table).addTable(table);
  transaction.addChain(table, chain).addRules(table, chain).commit(socket, 'redirect DNS');
}

/** Whether the present network namespace has our table. */
export function isRedirected(): boolean {
  using socket = NetlinkSocket.open('netfilter');
  return listTables(socket).some(({ family, name }) => family === table.family && name === table.name);
}

interface Rewrite {
  readonly end: keyof typeof ends;
  readonly from: number;
  readonly to: number;
}

function rewrite(protocol: keyof typeof protocols, { end, from, to }: Rewrite): NftExpression[] {
  const { number, checksum } = protocols[protocol];
  const field = ends[end];
  const port = { base: 'transport', offset: field.port, length: 2, register: 1 } as const;
  return [
    { expression: 'payload', base: 'network', offset: field.address, length: 4, register: 1 },
    { expression: 'compare', is: true, register: 1, value: address },
    { expression: 'meta', key: 'l4proto', register: 1 },
    { expression: 'compare', is: true, register: 1, value: Uint8Array.of(number) },
    { expression: 'payload', ...port },
    { expression: 'compare', is: true, register: 1, value: portBytes(from) },
    { expression: 'load', register: 1, value: portBytes(to) },
    { expression: 'write-payload', ...port, checksum },
  ];
}

function portBytes(port: number): Uint8Array {
  return Uint8Array.of(port >> 8, port & 255);
}
