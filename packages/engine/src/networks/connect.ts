import type { EndpointSettings } from '@wharf/api/network';
import { conflict, EngineError } from '@wharf/base/error';
import type { NetworkRecord } from '@wharf/network/networking';
import type { ContainerRecord } from '../containers/container-record.ts';
import { isUp } from '../containers/container-state.ts';
import { emptyEndpoint, intentOf } from '../containers/endpoint-intent.ts';
import { refreshNetworkFiles } from '../containers/network-files.ts';
import { sandboxRequest } from '../containers/sandbox-request.ts';
import type { NetworkDeps } from './network-deps.ts';
import { publishNetwork } from './network-events.ts';

/** Attaches a container: live when it is up, otherwise at its next start. */
export async function connectContainer(
  deps: NetworkDeps,
  idOrName: string,
  container: string,
  settings: EndpointSettings | undefined,
): Promise<void> {
  const network = deps.networking.network(idOrName);
  const { id } = deps.containers.find(container);
  await deps.locks.run(id, () => connectLocked(deps, deps.containers.find(id), network, settings));
}

async function connectLocked(
  deps: NetworkDeps,
  record: ContainerRecord,
  network: NetworkRecord,
  settings: EndpointSettings | undefined,
): Promise<void> {
  const { networking, containers, events } = deps;
  checkModes(record, network);
  const intent = settings ? intentOf(settings) : emptyEndpoint();
  const endpoints = { ...record.endpoints, [network.name]: intent };
  if (isUp(record.state.status)) {
    await networking.connect(record.id, network.id, intent);
    await followSandbox(deps, record.id);
  } else {
    if (Object.hasOwn(record.endpoints, network.name)) {
      throw new EngineError(
        'permission_denied',
        `endpoint with name ${record.name} already exists in network ${network.name}`,
      );
    }
    networking.validate(sandboxRequest(deps, { ...record, endpoints }));
  }
  containers.update(record.id, { endpoints });
  publishNetwork(events, network, 'connect', record.id);
}

/** Combinations that Docker refuses whether the container is up or not. */
export function checkModes({ hostConfig }: ContainerRecord, network: NetworkRecord): void {
  const mode = hostConfig.NetworkMode;
  if (mode.startsWith('container:')) {
    throw conflict(
      'container sharing network namespace with another container or host cannot be connected to any other network',
    );
  }
  if (mode === 'host' || network.driver === 'host') {
    throw conflict('container cannot be disconnected from host network or connected to host network');
  }
}

/** The container's hosts and resolv.conf say what its sandbox now has. */
export async function followSandbox({ config, networking }: NetworkDeps, id: string): Promise<void> {
  const sandbox = networking.sandbox(id);
  if (sandbox) refreshNetworkFiles(config, id, sandbox);
}
