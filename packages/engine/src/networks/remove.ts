import { EngineError } from '@wharf/base/error';
import type { NetworkDeps } from './network-deps.ts';
import { publishNetwork } from './network-events.ts';

export async function removeNetwork({ networking, events }: NetworkDeps, idOrName: string): Promise<void> {
  const network = networking.network(idOrName);
  if (network.predefined) {
    throw new EngineError('permission_denied', `${network.name} is a pre-defined network and cannot be removed`);
  }
  await networking.removeNetwork(network.id);
  publishNetwork(events, network, 'destroy');
}
