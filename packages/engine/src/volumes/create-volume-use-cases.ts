import type { VolumeUseCases } from '../engine.ts';
import { createVolume } from './create.ts';
import { inspectVolume } from './inspect.ts';
import { listVolumes } from './list.ts';
import { pruneVolumes } from './prune.ts';
import { removeVolume } from './remove.ts';
import type { VolumeDeps } from './volume-deps.ts';

export function createVolumeUseCases(deps: VolumeDeps): VolumeUseCases {
  return {
    create: (request) => createVolume(deps, request),
    list: (filters) => listVolumes(deps, filters),
    inspect: (name) => inspectVolume(deps, name),
    remove: (name, force) => removeVolume(deps, name, force),
    prune: (filters) => pruneVolumes(deps, filters),
  };
}
