import type { NetworkRecord } from '@wharf/network/networking';
import type { EventPublisher } from '../events.ts';

type NetworkAction = 'create' | 'destroy' | 'connect' | 'disconnect';

/** Docker's network events: name and driver, and the container where there is one. */
export function publishNetwork(
  events: EventPublisher,
  { id, name, driver }: Pick<NetworkRecord, 'id' | 'name' | 'driver'>,
  action: NetworkAction,
  container?: string,
): void {
  const attributes = { ...(container === undefined ? {} : { container }), name, type: driver };
  events.publish({ type: 'network', action, id, attributes });
}
