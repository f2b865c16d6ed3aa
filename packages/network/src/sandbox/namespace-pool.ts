import { closeNamespace, createNetworkNamespace } from '@wharf/sys/namespaces';
import { NetlinkBatch } from '@wharf/sys/netlink/batch';
import { setLink } from '@wharf/sys/netlink/link';
import { NetlinkSocket } from '@wharf/sys/netlink/socket';
import { writeSysctl } from '../sysctl.ts';

const loopbackIndex = 1;
const refillAfterMilliseconds = 30;

/** A network namespace that only a descriptor holds, with its loopback up, and a netlink socket inside. */
export interface ReadyNamespace {
  readonly fd: number;
  readonly route: NetlinkSocket;
}

/** Namespaces made ahead of their use: unsharing takes longer than all the rest of an endpoint. */
export class NamespacePool {
  readonly #size: number;
  readonly #ready: ReadyNamespace[] = [];
  #refill: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(size: number) {
    this.#size = size;
  }

  take(): ReadyNamespace {
    const ready = this.#ready.pop() ?? makeNamespace();
    this.warm();
    return ready;
  }

  /** Fills up, one at a time, once the start that took the last one is over. */
  warm(): void {
    if (this.#closed || this.#refill || this.#ready.length >= this.#size) return;
    this.#refill = setTimeout(() => {
      this.#refill = undefined;
      this.#ready.push(makeNamespace());
      this.warm();
    }, refillAfterMilliseconds);
    this.#refill.unref();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#refill);
    for (const { fd, route } of this.#ready.splice(0)) {
      route.close();
      closeNamespace(fd);
    }
  }
}

function makeNamespace(): ReadyNamespace {
  const { fd, result: route } = createNetworkNamespace(() => {
    const socket = NetlinkSocket.open('route');
    const batch = new NetlinkBatch();
    setLink(batch, loopbackIndex, { up: true });
    socket.transact(batch, 'raise the loopback');
    // Interfaces get IPv6 with an IPv6 network only, as with Docker: no link-local address, no probes.
    writeSysctl('net/ipv6/conf/default/disable_ipv6', '1');
    return socket;
  });
  return { fd, route };
}
