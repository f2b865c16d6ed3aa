import { EngineError } from '@wharf/base/error';
import type { NetworkRecord } from '@wharf/network/networking';
import type { ContainerRecord } from '../containers/container-record.ts';
import { isUp } from '../containers/container-state.ts';
import { checkModes, followSandbox } from './connect.ts';
import type { NetworkDeps } from './network-deps.ts';
import { publishNetwork } from './network-events.ts';

/** Detaches a container, running or not. */
export async function disconnectContainer(
  deps: NetworkDeps,
  idOrName: string,
  container: string,
  force: boolean,
): Promise<void> {
  const network = deps.networking.network(idOrName);
  const { id } = deps.containers.find(container);
  await deps.locks.run(id, () => disconnectLocked(deps, deps.containers.find(id), network, force));
}

async function disconnectLocked(
  deps: NetworkDeps,
  record: ContainerRecord,
  network: NetworkRecord,
  force: boolean,
): Promise<void> {
  const { networking, containers, events } = deps;
  checkModes(record, network);
  if (!Object.hasOwn(record.endpoints, network.name)) {
    throw new EngineError('internal', `container ${record.id} is not connected to the network ${network.name}`);
  }
  if (isUp(record.state.status)) {
    await networking.disconnect(record.id, network.id, { force });
    await followSandbox(deps, record.id);
  }
  const { [network.name]: _gone, ...endpoints } = record.endpoints;
  containers.update(record.id, { endpoints });
  publishNetwork(events, network, 'disconnect', record.id);
}
