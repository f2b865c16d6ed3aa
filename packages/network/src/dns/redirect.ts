import type { NftExpression } from '@wharf/sys/netlink/nft-expression';
import { listTables, type NftChain, type NftTable, NftTransaction } from '@wharf/sys/netlink/nftables';
import { NetlinkSocket } from '@wharf/sys/netlink/socket';

const table: NftTable = { family: 'ip', name: 'wharf-dns' };
const address = Uint8Array.of(127, 0, 0, 11);
const protocols = { udp: 17, tcp: 6 } as const;

/** What this namespace has of us already; `stale` sends to other ports. */
export type Redirected = 'not' | 'stale';

/**
 * In the present network namespace: sends what asks 127.0.0.11:53 to these ports of the same address. Replacing a
 * stale table waits for the kernel, some 13 ms.
 */
export function redirectDns(ports: { udp: number; tcp: number }, found: Redirected): void {
  using socket = NetlinkSocket.open('netfilter');
  const chain: NftChain = {
    name: 'output',
    hook: { type: 'nat', at: 'output', priority: -100 },
    rules: [redirect('udp', ports.udp), redirect('tcp', ports.tcp)],
  };
  const transaction = new NftTransaction().addTable(table);
  if (found === 'stale') transaction.deleteTable(table).addTable(table);
  transaction.addChain(table, chain).addRules(table, chain).commit(socket, 'redirect DNS');
}

/** Whether the present network namespace has our table. */
export function isRedirected(): boolean {
  using socket = NetlinkSocket.open('netfilter');
  return listTables(socket).some(({ family, name }) => family === table.family && name === table.name);
}

function redirect(protocol: keyof typeof protocols, port: number): NftExpression[] {
  return [
    { expression: 'payload', base: 'network', offset: 16, length: 4, register: 1 },
    { expression: 'compare', is: true, register: 1, value: address },
    { expression: 'meta', key: 'l4proto', register: 1 },
    { expression: 'compare', is: true, register: 1, value: Uint8Array.of(protocols[protocol]) },
    { expression: 'payload', base: 'transport', offset: 2, length: 2, register: 1 },
    { expression: 'compare', is: true, register: 1, value: Uint8Array.of(0, 53) },
    { expression: 'load', register: 1, value: address },
    { expression: 'load', register: 2, value: Uint8Array.of(port >> 8, port & 255) },
    { expression: 'dnat', family: 'ip', addressRegister: 1, portRegister: 2 },
  ];
}
