import type { NetworkUseCases } from '../engine.ts';
import { connectContainer } from './connect.ts';
import { createNetwork } from './create.ts';
import { disconnectContainer } from './disconnect.ts';
import { inspectNetwork } from './inspect.ts';
import { listNetworks } from './list.ts';
import type { NetworkDeps } from './network-deps.ts';
import { pruneNetworks } from './prune.ts';
import { removeNetwork } from './remove.ts';

export function createNetworkUseCases(deps: NetworkDeps): NetworkUseCases {
  return {
    create: (request) => createNetwork(deps, request),
    list: (filters) => listNetworks(deps, filters),
    inspect: (idOrName, options) => inspectNetwork(deps, idOrName, options),
    remove: (idOrName) => removeNetwork(deps, idOrName),
    connect: (idOrName, container, settings) => connectContainer(deps, idOrName, container, settings),
    disconnect: (idOrName, container, force) => disconnectContainer(deps, idOrName, container, force),
    prune: (filters) => pruneNetworks(deps, filters),
  };
}
