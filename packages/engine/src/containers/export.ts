import { conflict } from '@wharf/base/error';
import type { ContainerDeps } from '../engine-deps.ts';
import { archiveOf, type HeldArchive, holdTree, type TreeDeps } from './container-tree.ts';
import { publishContainer } from './publish.ts';

/** The tar of the container's root as it is, without its volumes. The archive must be read, sent or closed. */
export async function exportContainer(
  deps: TreeDeps & Pick<ContainerDeps, 'events' | 'removals'>,
  idOrName: string,
): Promise<HeldArchive> {
  const { id } = deps.containers.find(idOrName);
  if (deps.removals.isRemoving(id)) {
    throw conflict(`You cannot export container ${id} which is being removed`);
  }
  const held = await holdTree(deps, id, { bare: true });
  publishContainer(deps.events, held.record, 'export');
  return archiveOf(held, '');
}
