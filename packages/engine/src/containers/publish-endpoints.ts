import type { ContainerDeps } from '../engine-deps.ts';
import { publishNetwork } from '../networks/network-events.ts';

/** A start joins networks, an exit leaves them: each says so. */
export function publishEndpoints(
  { networking, events }: Pick<ContainerDeps, 'networking' | 'events'>,
  containerId: string,
  networks: readonly string[],
  action: 'connect' | 'disconnect',
): void {
  for (const name of networks) publishNetwork(events, networking.network(name), action, containerId);
}
