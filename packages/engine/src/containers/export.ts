import type { Readable } from 'node:stream';
import { conflict } from '@wharf/base/error';
import type { ContainerDeps } from '../engine-deps.ts';
import { holdTree, type TreeDeps } from './container-tree.ts';
import { publishContainer } from './publish.ts';

/** The tar of the container's root as it is, without its volumes. The stream must be read or destroyed. */
export async function exportContainer(
  deps: TreeDeps & Pick<ContainerDeps, 'events' | 'removals'>,
  idOrName: string,
): Promise<Readable> {
  const { id } = deps.containers.find(idOrName);
  if (deps.removals.isRemoving(id)) {
    throw conflict(`You cannot export container ${id} which is being removed`);
  }
  const held = await holdTree(deps, id, { bare: true });
  const stream = held.tree.read('');
  stream.once('close', () => void held.close());
  publishContainer(deps.events, held.record, 'export');
  return stream;
}
