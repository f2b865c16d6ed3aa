import { listAddresses, listRoutes } from '@wharf/sys/netlink/route';
import type { NetlinkSocket } from '@wharf/sys/netlink/socket';
import { addressFromBytes, type Prefix, prefixOf } from '../address.ts';

/** What the host itself reaches by other means than a default route. */
export function hostRoutes(route: NetlinkSocket): Prefix[] {
  const destinations = [...listRoutes(route), ...listAddresses(route)];
  return destinations
    .filter(({ length }) => length > 0)
    .map(({ address, length }) => prefixOf(addressFromBytes(address), length));
}
