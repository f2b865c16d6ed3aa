import { conflict, type EngineError, invalidArgument } from '@wharf/base/error';

export function nameInUse(name: string, holder: string): EngineError {
  return conflict(
    `Conflict. The container name "/${name}" is already in use by container "${holder}". ` +
      'You have to remove (or rename) that container to be able to reuse that name.',
    { reason: 'name_in_use' },
  );
}

export function invalidName(name: string): EngineError {
  return invalidArgument(`Invalid container name (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);
}

export function notRunning(id: string): EngineError {
  return conflict(`container ${id} is not running`);
}

export function removalInProgress(idOrName: string): EngineError {
  return conflict(`removal of container ${idOrName} is already in progress`);
}
