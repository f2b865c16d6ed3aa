import type { FileChange } from '@wharf/store/trees/tree-changes';
import type { ContainerDeps } from '../engine-deps.ts';

/** What a container has changed of its image, in the order of the paths. */
export async function containerChanges(
  { containers, snapshots, trees }: Pick<ContainerDeps, 'containers' | 'snapshots' | 'trees'>,
  idOrName: string,
): Promise<readonly FileChange[]> {
  const { id } = containers.find(idOrName);
  const { upperDir, lowerDirs } = snapshots.mounts(id);
  return trees.changes(upperDir, lowerDirs);
}
