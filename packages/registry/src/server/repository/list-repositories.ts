import { isRepositoryName, type RepositoryName } from '../names.ts';
import type { RegistryDeps } from '../registry-deps.ts';
import { decodeRepository, manifestsPrefix, repositoriesPrefix } from '../storage/keys.ts';

/** Repositories that hold something, in the order of their names. */
export async function listRepositories({ objects }: Pick<RegistryDeps, 'objects'>): Promise<RepositoryName[]> {
  const names = (await objects.children(repositoriesPrefix)).map(decodeRepository).filter(isRepositoryName);
  return names.sort();
}

export async function hasRepository({ objects }: RegistryDeps, repository: RepositoryName): Promise<boolean> {
  return (await objects.children(manifestsPrefix(repository))).length > 0;
}
