import { invalidArgument } from '@wharf/base/error';
import type { ContainerDeps } from '../engine-deps.ts';
import { parseContainerName } from './container-name.ts';
import type { ContainerRecord } from './container-record.ts';
import { isUp } from './container-state.ts';
import { publishContainer } from './publish.ts';

type RenameDeps = Pick<ContainerDeps, 'containers' | 'locks' | 'networking' | 'events' | 'database'>;

/** Renames a container; a running one keeps its endpoints and answers to its new name. */
export async function renameContainer(deps: RenameDeps, idOrName: string, newName: string): Promise<void> {
  const { containers, locks } = deps;
  if (idOrName === '' || newName === '') throw invalidArgument('Neither old nor new names may be empty');
  const { id } = containers.find(idOrName);
  await locks.run(id, async () => renameLocked(deps, containers.find(id), parseContainerName(newName)));
  await deps.database.flush();
}

function renameLocked({ containers, networking, events }: RenameDeps, record: ContainerRecord, name: string): void {
  if (name === record.name) {
    throw invalidArgument('Renaming a container with the same name as its current name');
  }
  containers.reserve(name, record.id);
  const renamed = containers.update(record.id, { name });
  if (isUp(renamed.state.status)) networking.rename(record.id, name);
  publishContainer(events, renamed, 'rename', { oldName: `/${record.name}` });
}
