import { conflict, EngineError, invalidArgument, notFound } from '@wharf/base/error';
import type { ContainerDeps } from '../engine-deps.ts';
import { requireAllowed } from './container-state.ts';

type CheckpointDeps = Pick<ContainerDeps, 'containers'>;

const namePattern = '[a-zA-Z0-9][a-zA-Z0-9_.-]';

/** None can be made here, so there are none; what is not there is said as by a dockerd without CRIU. */
export function listCheckpoints({ containers }: CheckpointDeps, idOrName: string): never[] {
  containers.find(idOrName);
  return [];
}

export function createCheckpoint({ containers }: CheckpointDeps, idOrName: string, checkpoint: string): never {
  const { state, name } = containers.find(idOrName);
  if (state.status !== 'running') throw conflict(`Container ${idOrName} not running`);
  if (!new RegExp(`^${namePattern}+$`).test(checkpoint)) {
    throw invalidArgument(`Invalid checkpoint ID (${checkpoint}), only ${namePattern} are allowed`);
  }
  throw new EngineError(
    'not_implemented',
    `Cannot checkpoint container ${name}: checkpoints are not supported by wharfd yet`,
  );
}

export function removeCheckpoint({ containers }: CheckpointDeps, idOrName: string, checkpoint: string): never {
  containers.find(idOrName);
  throw noSuchCheckpoint(checkpoint, idOrName);
}

/** A start from a checkpoint, instead of from the beginning. */
export function startFromCheckpoint({ containers }: CheckpointDeps, idOrName: string, checkpoint: string): never {
  const record = containers.find(idOrName);
  requireAllowed('start', record);
  throw noSuchCheckpoint(checkpoint, `/${record.name}`);
}

function noSuchCheckpoint(checkpoint: string, container: string): Error {
  return notFound(`checkpoint ${checkpoint} does not exist for container ${container}`);
}
