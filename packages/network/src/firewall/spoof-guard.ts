import type { Logger } from '@wharf/base/logger';
import { hasErrno } from '@wharf/sys/errno';
import { listTables, type NftElement, type NftTable, NftTransaction } from '@wharf/sys/netlink/nftables';
import type { NetlinkSocket } from '@wharf/sys/netlink/socket';
import { addressBytes, parseAddress } from '../address.ts';
import type { StoredEndpoint } from '../records.ts';
import { type SpoofSetName, spoofChains, spoofSets } from './spoof-rules.ts';

/** What a kernel answers that cannot look at a bridge's frames. */
const unsupported = ['EPROTONOSUPPORT', 'EAFNOSUPPORT', 'EOPNOTSUPP', 'ENOENT'];

type GuardedEndpoint = Pick<StoredEndpoint, 'hostLink' | 'macAddress' | 'ipv4' | 'ipv6'>;

/**
 * Lets a container send by its own addresses only: it can neither take over a neighbour's by ARP or neighbour
 * discovery nor send in its name. A table of its own, since it looks at the frames of bridges.
 */
export class SpoofGuard {
  readonly #socket: NetlinkSocket;
  readonly #table: NftTable;
  readonly #log: Logger;
  readonly #guarded = new Map<string, GuardedEndpoint>();
  #state: 'noting' | 'written' | 'unavailable' = 'noting';

  constructor(socket: NetlinkSocket, name: string, log: Logger) {
    this.#socket = socket;
    this.#table = { family: 'bridge', name };
    this.#log = log;
  }

  guard(endpoints: readonly GuardedEndpoint[]): void {
    for (const endpoint of endpoints) this.#guarded.set(endpoint.hostLink, endpoint);
    if (endpoints.length > 0) this.#change('add', endpoints);
  }

  release(links: readonly string[]): void {
    const known = links.flatMap((link) => this.#guarded.get(link) ?? []);
    for (const { hostLink } of known) this.#guarded.delete(hostLink);
    if (known.length > 0) this.#change('delete', known);
  }

  /** Replaces the whole table in one transaction. */
  rewrite(): void {
    if (this.#state === 'unavailable') return;
    const table = this.#table;
    const transaction = new NftTransaction().addTable(table).deleteTable(table).addTable(table);
    for (const set of spoofSets) transaction.addSet(table, set);
    for (const chain of spoofChains) transaction.addChain(table, chain);
    for (const chain of spoofChains) transaction.addRules(table, chain);
    addElements(transaction, table, [...this.#guarded.values()]);
    try {
      transaction.commit(this.#socket, `write the nf_tables table bridge ${table.name}`);
      this.#state = 'written';
    } catch (error) {
      if (this.#state === 'written' || !unsupported.some((code) => hasErrno(error, code))) throw error;
      this.#state = 'unavailable';
      this.#log.warn('The kernel cannot filter bridges: containers are not kept from using addresses of others', {
        error,
      });
    }
  }

  isWhole(): boolean {
    return this.#state !== 'written' || this.#exists();
  }

  removeTable(): void {
    if (this.#state === 'unavailable' || !this.#exists()) return;
    new NftTransaction().deleteTable(this.#table).commit(this.#socket, `delete the table ${this.#table.name}`);
    this.#state = 'noting';
  }

  #exists(): boolean {
    return listTables(this.#socket).some(({ family, name }) => family === 'bridge' && name === this.#table.name);
  }

  #change(action: 'add' | 'delete', endpoints: readonly GuardedEndpoint[]): void {
    if (this.#state === 'noting' && action === 'add') this.rewrite();
    if (this.#state !== 'written') return;
    const transaction = new NftTransaction();
    if (action === 'add') addElements(transaction, this.#table, endpoints);
    else deleteElements(transaction, this.#table, endpoints);
    try {
      transaction.commit(this.#socket, `${action} the addresses of ${endpoints.map(({ hostLink }) => hostLink)}`);
    } catch (error) {
      // Somebody flushed the table.
      if (!hasErrno(error, 'ENOENT')) throw error;
      this.rewrite();
    }
  }
}

function addElements(to: NftTransaction, table: NftTable, endpoints: readonly GuardedEndpoint[]): void {
  for (const [set, elements] of elementsOf(endpoints)) to.addElements(table, set, elements);
}

function deleteElements(to: NftTransaction, table: NftTable, endpoints: readonly GuardedEndpoint[]): void {
  for (const [set, elements] of elementsOf(endpoints)) to.deleteElements(table, set, elements);
}

function elementsOf(endpoints: readonly GuardedEndpoint[]): Map<SpoofSetName, NftElement[]> {
  const sets = new Map<SpoofSetName, NftElement[]>();
  const add = (set: SpoofSetName, ...parts: Uint8Array[]) => {
    sets.set(set, [...(sets.get(set) ?? []), { key: Buffer.concat(parts) }]);
  };
  for (const { hostLink, macAddress, ipv4, ipv6 } of endpoints) {
    const link = Buffer.alloc(16);
    link.write(hostLink);
    add('guarded', link);
    const mac = Uint8Array.from([...macAddress.split(':').map((part) => Number.parseInt(part, 16)), 0, 0]);
    add('macs', link, mac);
    for (const text of [ipv4, ipv6]) {
      const address = parseAddress(text ?? '');
      if (!address) continue;
      add(`own${address.family}`, link, mac, addressBytes(address));
      add(`peers${address.family}`, mac, addressBytes(address));
    }
  }
  return sets;
}
