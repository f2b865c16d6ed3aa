import {
  changedRoutes,
  type LinkAddress,
  listAddresses,
  listenToRoutes,
  listRoutes,
  type Route,
} from '@wharf/sys/netlink/route';
import type { NetlinkSocket } from '@wharf/sys/netlink/socket';
import { addressFromBytes, type Prefix, prefixOf } from '../address.ts';

/** What the host itself reaches by other means than a default route. */
export function hostRoutes(route: NetlinkSocket): Prefix[] {
  return asPrefixes([...listRoutes(route), ...listAddresses(route)]);
}

/** Which links are networks' own, and which addresses we gave them. */
export interface OwnLinks {
  ownsLink(index: number): boolean;
  ownsAddress(index: number, address: Uint8Array): boolean;
}

/**
 * The host's routes but those of our networks, whose subnets are known. They are listed again only when something
 * of others changed: with thousands of networks the kernel's list is long, and making one more must not read it.
 */
export class ForeignRoutes {
  readonly #route: NetlinkSocket;
  readonly #own: OwnLinks;
  #listener: NetlinkSocket | undefined;
  #known: Prefix[] | undefined;

  constructor(route: NetlinkSocket, own: OwnLinks) {
    this.#route = route;
    this.#own = own;
  }

  list(): Prefix[] {
    this.#listener ??= listenToRoutes();
    const changed = changedRoutes(this.#listener);
    if (!this.#known || !changed || changed.some((entry) => this.#isForeign(entry))) {
      const all = [...listRoutes(this.#route), ...listAddresses(this.#route)];
      this.#known = asPrefixes(all.filter((entry) => this.#isForeign(entry)));
    }
    return this.#known;
  }

  close(): void {
    this.#listener?.close();
  }

  #isForeign(entry: LinkAddress | Route): boolean {
    if (isLinkLocal(entry.address)) return false;
    if ('index' in entry) return !this.#own.ownsAddress(entry.index, entry.address);
    // A route that came with an address goes with it.
    return !entry.byKernel || entry.link === undefined || !this.#own.ownsLink(entry.link);
  }
}

function asPrefixes(entries: readonly (LinkAddress | Route)[]): Prefix[] {
  return entries
    .filter(({ length }) => length > 0)
    .map(({ address, length }) => prefixOf(addressFromBytes(address), length));
}

/** fe80::/10: every link has it. */
function isLinkLocal(address: Uint8Array): boolean {
  return address.length === 16 && address[0] === 0xfe && (address[1]! & 0xc0) === 0x80;
}
