import { constants } from 'node:os';
import { EngineError } from '@wharf/base/error';
import type { Logger } from '@wharf/base/logger';
import { hasErrno, SystemError } from '@wharf/sys/errno';
import { forgetUdpFlows } from '@wharf/sys/netlink/conntrack';
import { listTables, type NftTable, NftTransaction, rulesGeneration } from '@wharf/sys/netlink/nftables';
import { NetlinkSocket } from '@wharf/sys/netlink/socket';
import { addressBytes } from '../address.ts';
import { admitsOurs, droppingChains, insertAdmission, removeAdmissions } from './foreign-chains.ts';
import {
  bridgeElements,
  type FirewallBridge,
  type FirewallPort,
  type FirewallTunnel,
  portElement,
  ruleset,
  type SetElement,
  tunnelElements,
} from './ruleset.ts';
import { SpoofGuard } from './spoof-guard.ts';

/** What a kernel answers that was built without nf_tables, its inet family, or an expression that we need. */
const unsupported = ['EPROTONOSUPPORT', 'EAFNOSUPPORT', 'EOPNOTSUPP', 'ENOENT'];

function nameOf({ family, table, name }: { family: string; table: string; name: string }): string {
  return `${family} ${table} ${name}`;
}

function openNetfilter(): NetlinkSocket | undefined {
  try {
    return NetlinkSocket.open('netfilter');
  } catch (error) {
    if (!hasErrno(error, 'EPROTONOSUPPORT')) throw error;
    return undefined;
  }
}

/** Keeps the daemon's own nf_tables table equal to the bridges and ports it was told of. Touches no other table. */
export class Firewall {
  /** Of what containers send; undefined where the kernel has no nf_tables. */
  readonly spoofGuard: SpoofGuard | undefined;
  readonly #socket: NetlinkSocket | undefined;
  readonly #table: NftTable;
  readonly #log: Logger;
  readonly #bridges = new Map<string, FirewallBridge>();
  readonly #ports = new Set<FirewallPort>();
  /** The kernel's generation of rules when all was found whole. */
  #seen: number | undefined;
  /** Dropping chains of others that we could not write into. */
  readonly #closed = new Set<string>();
  readonly #tunnels = new Map<string, FirewallTunnel>();
  /**
   * Until the first rewrite changes are only taken note of: what a daemon before us wrote stays whole. Without
   * bridges there is no table.
   */
  #state: 'noting' | 'empty' | 'written' | 'unavailable' = 'noting';

  constructor(table: string, log: Logger) {
    this.#socket = openNetfilter();
    this.#table = { family: 'inet', name: table };
    this.#log = log;
    this.spoofGuard = this.#socket && new SpoofGuard(this.#socket, table, log);
  }

  addBridge(bridge: FirewallBridge): void {
    this.#bridges.set(bridge.name, bridge);
    if (this.#state === 'empty') this.rewrite();
    else this.#change('add', bridgeElements(bridge));
  }

  removeBridge(name: string): void {
    const bridge = this.#bridges.get(name);
    if (!bridge) return;
    this.#bridges.delete(name);
    this.#change('delete', bridgeElements(bridge));
  }

  addTunnel(tunnel: FirewallTunnel): void {
    this.#tunnels.set(tunnel.name, tunnel);
    this.#change('add', tunnelElements(tunnel));
  }

  removeTunnel(name: string): void {
    const tunnel = this.#tunnels.get(name);
    if (!tunnel) return;
    this.#tunnels.delete(name);
    this.#change('delete', tunnelElements(tunnel));
  }

  addPorts(ports: readonly FirewallPort[]): void {
    if (ports.length === 0) return;
    this.requireRules();
    for (const port of ports) this.#ports.add(port);
    try {
      this.#change('add', ports.map(portElement));
    } catch (error) {
      for (const port of ports) this.#ports.delete(port);
      throw error;
    }
    this.#forgetFlows(ports);
  }

  removePorts(ports: readonly FirewallPort[]): void {
    const known = ports.filter((port) => this.#ports.delete(port));
    if (known.length === 0) return;
    this.#change('delete', known.map(portElement));
    this.#forgetFlows(known);
  }

  /** Throws where the kernel cannot do what isolates networks and publishes ports. */
  requireRules(): void {
    if (this.#state !== 'unavailable') return;
    throw new EngineError('not_implemented', 'Cannot isolate networks or publish ports: the kernel has no nf_tables');
  }

  /** Replaces the whole table in one transaction: connections and other tables see no gap. */
  rewrite(): void {
    if (this.#bridges.size === 0) {
      this.removeTable();
      this.#state = 'empty';
      return;
    }
    try {
      this.#write();
      this.#state = 'written';
      this.spoofGuard?.rewrite();
      this.#admitElsewhere();
    } catch (error) {
      if (this.#state === 'written' || !unsupported.some((code) => hasErrno(error, code))) throw error;
      this.#state = 'unavailable';
      this.#log.error('The kernel lacks nf_tables: no masquerading, no published ports, no further networks', {
        error,
      });
    }
  }

  #write(): void {
    const { sets, chains } = ruleset({
      bridges: [...this.#bridges.values()],
      ports: [...this.#ports],
      tunnels: [...this.#tunnels.values()],
    });
    const transaction = new NftTransaction().addTable(this.#table).deleteTable(this.#table).addTable(this.#table);
    for (const set of sets) transaction.addSet(this.#table, set);
    for (const chain of chains) transaction.addChain(this.#table, chain);
    for (const chain of chains) transaction.addRules(this.#table, chain);
    for (const { name, elements } of sets) transaction.addElements(this.#table, name, elements);
    this.#commit(transaction, `write the nf_tables table ${this.#table.name}`);
  }

  /** False when somebody flushed it, or loaded rules that drop what we forward. */
  isWhole(): boolean {
    const generation = this.#socket && rulesGeneration(this.#socket);
    if (generation !== undefined && generation === this.#seen) return true;
    const whole = this.#look();
    if (whole) this.#seen = generation;
    return whole;
  }

  #look(): boolean {
    return (
      this.#state !== 'written' ||
      (this.#exists() && this.#isAdmittedElsewhere() && this.spoofGuard?.isWhole() !== false)
    );
  }

  /** Other firewalls load their rules again whenever they like, and drop what they do not know. */
  #isAdmittedElsewhere(): boolean {
    const socket = this.#socket;
    if (!socket) return true;
    const chains = droppingChains(socket, this.#table.name).filter((chain) => !this.#closed.has(nameOf(chain)));
    return chains.every((chain) => admitsOurs(socket, chain, this.#table.name));
  }

  #admitElsewhere(): void {
    const socket = this.#socket;
    if (!socket) return;
    for (const chain of droppingChains(socket, this.#table.name)) {
      if (admitsOurs(socket, chain, this.#table.name)) continue;
      const done = insertAdmission(socket, chain, this.#table.name);
      if (done) this.#log.info('Let forwarded packets of containers pass another chain', { chain: nameOf(chain) });
      else this.#refuse(nameOf(chain));
    }
  }

  #refuse(chain: string): void {
    if (this.#closed.has(chain)) return;
    this.#closed.add(chain);
    const bridges = [...this.#bridges.keys()].join(' ');
    this.#log.warn('Forwarded packets are dropped by another nf_tables chain: accept the bridges there', {
      chain,
      bridges,
    });
  }

  #exists(): boolean {
    if (!this.#socket) return false;
    return listTables(this.#socket).some(({ family, name }) => family === 'inet' && name === this.#table.name);
  }

  #commit(transaction: NftTransaction, what: string): void {
    if (!this.#socket) throw new SystemError(what, constants.errno.EPROTONOSUPPORT);
    transaction.commit(this.#socket, what);
  }

  removeTable(): void {
    if (this.#socket) removeAdmissions(this.#socket, this.#table.name);
    this.spoofGuard?.removeTable();
    if (!this.#exists()) return;
    this.#commit(new NftTransaction().deleteTable(this.#table), `delete the table ${this.#table.name}`);
  }

  close(): void {
    this.#socket?.close();
  }

  /** Clients that kept sending while the port was not published would otherwise never reach the container. */
  #forgetFlows(ports: readonly FirewallPort[]): void {
    const udp = ports.filter(({ transport }) => transport === 'udp');
    if (udp.length === 0 || !this.#socket || this.#state !== 'written') return;
    const hostPorts = new Set(udp.map(({ hostPort }) => hostPort));
    const targets = udp.map(({ target }) => Buffer.from(addressBytes(target)));
    forgetUdpFlows(
      this.#socket,
      ({ destinationPort, answerer }) =>
        hostPorts.has(destinationPort) || targets.some((target) => target.equals(answerer)),
    );
  }

  #change(action: 'add' | 'delete', elements: readonly SetElement[]): void {
    if (this.#state !== 'written') return;
    const transaction = new NftTransaction();
    const bySet = Map.groupBy(elements, ({ set }) => set);
    for (const [set, members] of bySet) {
      const list = members.map(({ element }) => element);
      if (action === 'add') transaction.addElements(this.#table, set, list);
      else transaction.deleteElements(this.#table, set, list);
    }
    try {
      this.#commit(transaction, `${action} elements of ${[...bySet.keys()].join(', ')}`);
    } catch (error) {
      // Somebody flushed the table, or part of it.
      if (!hasErrno(error, 'ENOENT')) throw error;
      this.rewrite();
    }
  }
}
