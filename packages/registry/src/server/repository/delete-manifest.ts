import type { ContentDigest } from '../content-digest.ts';
import { RegistryError } from '../error.ts';
import type { RepositoryName, Tag } from '../names.ts';
import type { RegistryDeps } from '../registry-deps.ts';
import { refuseImmutable } from './put-manifest.ts';
import { parseRegistryManifest } from './registry-manifest.ts';

/** Removes a manifest and the tags that point at it. False if there was none. */
export async function deleteManifest(
  deps: RegistryDeps,
  repository: RepositoryName,
  digest: ContentDigest,
): Promise<boolean> {
  return await deps.locks.run(repository, async () => {
    if (!(await deps.manifests.has(repository, digest))) return false;
    const pointing = [...(await deps.tags.readAll(repository))].filter(([, record]) => record.digest === digest);
    for (const [tag] of pointing) await refuseImmutable(deps, repository, { tag, digest: undefined });
    for (const [tag] of pointing) await deps.tags.remove(repository, tag);
    await removeManifest(deps, repository, digest);
    return true;
  });
}

/** The manifest's own part of a deletion; the caller holds the repository's lock and has seen to its tags. */
export async function removeManifest(
  { manifests, referrers }: RegistryDeps,
  repository: RepositoryName,
  digest: ContentDigest,
): Promise<void> {
  const record = await manifests.read(repository, digest);
  if (!record) return;
  const { subject } = parseRegistryManifest(record.bytes, record.mediaType);
  if (subject) await referrers.remove(repository, subject.digest, digest);
  await manifests.remove(repository, digest);
}

export async function deleteTag(deps: RegistryDeps, repository: RepositoryName, tag: Tag): Promise<void> {
  await deps.locks.run(repository, async () => {
    if (!(await deps.tags.read(repository, tag))) {
      throw new RegistryError('MANIFEST_UNKNOWN', 'manifest unknown', { detail: { tag } });
    }
    await refuseImmutable(deps, repository, { tag, digest: undefined });
    await deps.tags.remove(repository, tag);
  });
}
