import type { IdMapping } from '@wharf/base/id-mapping';
import { closeNamespace, createNetworkNamespace, inNetworkNamespace } from '@wharf/sys/namespaces';
import { NetlinkBatch } from '@wharf/sys/netlink/batch';
import { setLink } from '@wharf/sys/netlink/link';
import { NetlinkSocket } from '@wharf/sys/netlink/socket';
import { createUserNamespace } from '@wharf/sys/user-namespace';
import { writeSysctl } from '../sysctl.ts';

const loopbackIndex = 1;
const refillAfterMilliseconds = 30;

/** A network namespace that only a descriptor holds, with its loopback up, and a netlink socket inside. */
export interface ReadyNamespace {
  readonly fd: number;
  /** Descriptor of the user namespace that it belongs to, where that is not the host's. */
  readonly user: number | undefined;
  readonly route: NetlinkSocket;
}

/** Namespaces made ahead of their use: unsharing takes longer than all the rest of an endpoint. */
export class NamespacePool {
  readonly #size: number;
  readonly #mapping: IdMapping | undefined;
  readonly #ready: ReadyNamespace[] = [];
  #refill: NodeJS.Timeout | undefined;
  #closed = false;

  /** With a mapping each belongs to a user namespace of its own. */
  constructor(size: number, mapping?: IdMapping) {
    this.#size = size;
    this.#mapping = mapping;
  }

  take(): ReadyNamespace {
    const ready = this.#ready.pop() ?? makeNamespace(this.#mapping);
    this.warm();
    return ready;
  }

  /** Fills up, one at a time, once the start that took the last one is over. */
  warm(): void {
    if (this.#closed || this.#refill || this.#ready.length >= this.#size) return;
    this.#refill = setTimeout(() => {
      this.#refill = undefined;
      this.#ready.push(makeNamespace(this.#mapping));
      this.warm();
    }, refillAfterMilliseconds);
    this.#refill.unref();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#refill);
    for (const ready of this.#ready.splice(0)) {
      ready.route.close();
      discard(ready);
    }
  }
}

/** Lets go of what no container came into. */
export function discard({ fd, user }: ReadyNamespace): void {
  closeNamespace(fd);
  if (user !== undefined) closeNamespace(user);
}

function makeNamespace(mapping: IdMapping | undefined): ReadyNamespace {
  if (mapping) return makeMappedNamespace(mapping);
  const { fd, result: route } = createNetworkNamespace(prepareNamespace);
  return { fd, user: undefined, route };
}

function makeMappedNamespace(mapping: IdMapping): ReadyNamespace {
  const { fd: user, network } = createUserNamespace(mapping, { network: true });
  const fd = network!;
  try {
    return { fd, user, route: inNetworkNamespace(fd, prepareNamespace) };
  } catch (error) {
    closeNamespace(fd);
    closeNamespace(user);
    throw error;
  }
}

function prepareNamespace(): NetlinkSocket {
  const socket = NetlinkSocket.open('route');
  const batch = new NetlinkBatch();
  setLink(batch, loopbackIndex, { up: true });
  socket.transact(batch, 'raise the loopback');
  // Interfaces get IPv6 with an IPv6 network only, as with Docker: no link-local address, no probes.
  writeSysctl('net/ipv6/conf/default/disable_ipv6', '1');
  return socket;
}
