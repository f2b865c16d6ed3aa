import { algorithmOf, type ContentDigest, digestBytes, isContentDigest } from '../content-digest.ts';
import { RegistryError } from '../error.ts';
import type { RepositoryName, Tag } from '../names.ts';
import type { RegistryDeps } from '../registry-deps.ts';
import { repositoryMarkerKey } from '../storage/keys.ts';
import { parseRegistryManifest, type Reference, type RegistryManifest } from './registry-manifest.ts';

export interface PutManifestRequest {
  readonly repository: RepositoryName;
  /** A tag or a digest. */
  readonly reference: string;
  /** More tags that a push by digest sets. */
  readonly tags: readonly Tag[];
  readonly contentType: string | undefined;
  readonly bytes: Buffer;
}

export interface PutManifestResult {
  readonly digest: ContentDigest;
  readonly subject: ContentDigest | undefined;
}

/** Takes a manifest once everything that it refers to is here, and points tags at it. */
export async function putManifest(deps: RegistryDeps, request: PutManifestRequest): Promise<PutManifestResult> {
  const { repository, reference, bytes } = request;
  const isDigest = isContentDigest(reference);
  const digest = digestBytes(bytes, isDigest ? algorithmOf(reference) : 'sha256');
  if (isDigest && digest !== reference) {
    throw new RegistryError('DIGEST_INVALID', 'provided digest did not match uploaded content', {
      detail: { digest: reference },
    });
  }
  const manifest = parseRegistryManifest(bytes, request.contentType);
  const tags = isDigest ? request.tags : [reference];
  return await deps.locks.run(repository, async () => {
    for (const tag of tags) await refuseImmutable(deps, repository, { tag, digest });
    await requireReferences(deps, repository, manifest);
    await writeManifest(deps, repository, { digest, bytes, manifest });
    for (const tag of tags) await deps.tags.write(repository, tag, { digest, pushed: Date.now() });
    return { digest, subject: manifest.subject?.digest };
  });
}

async function writeManifest(
  deps: RegistryDeps,
  repository: RepositoryName,
  { digest, bytes, manifest }: { digest: ContentDigest; bytes: Buffer; manifest: RegistryManifest },
): Promise<void> {
  const { mediaType, subject, artifactType, annotations } = manifest;
  const isNew = !(await deps.manifests.has(repository, digest));
  await deps.manifests.write(repository, { digest, mediaType, bytes });
  // Visible now: a collector that starts from here on sees what it refers to. One that started earlier may have
  // taken some of it. See markers.ts.
  await deps.markers.awaitAbsence(repositoryMarkerKey(repository));
  try {
    await requireReferences(deps, repository, manifest);
  } catch (error) {
    if (isNew) await deps.manifests.remove(repository, digest);
    throw error;
  }
  if (subject) {
    await deps.referrers.write(repository, subject.digest, {
      mediaType,
      digest,
      size: bytes.length,
      ...(artifactType !== undefined && { artifactType }),
      ...(annotations && { annotations }),
    });
  }
}

export async function refuseImmutable(
  { tags, policy }: RegistryDeps,
  repository: RepositoryName,
  { tag, digest }: { tag: Tag; digest: ContentDigest | undefined },
): Promise<void> {
  if (!policy.isImmutable(repository, tag)) return;
  const before = await tags.read(repository, tag);
  if (!before || before.digest === digest) return;
  throw new RegistryError('DENIED', `the tag ${tag} is immutable: push under another tag`, {
    detail: { tag, digest: before.digest },
  });
}

async function requireReferences(
  { links, manifests, policy }: RegistryDeps,
  repository: RepositoryName,
  manifest: RegistryManifest,
): Promise<void> {
  const sizes = await Promise.all(manifest.blobs.map(({ digest }) => links.lease(repository, digest)));
  const children = await Promise.all(manifest.manifests.map(({ digest }) => manifests.has(repository, digest)));
  const missing = [
    ...manifest.blobs.filter((_, index) => sizes[index] === undefined),
    ...(policy.allowMissingManifests ? [] : manifest.manifests.filter((_, index) => !children[index])),
  ];
  if (missing.length > 0) throw missingReferences(missing);
  for (const [index, { digest, size }] of manifest.blobs.entries()) {
    if (sizes[index] === size) continue;
    throw new RegistryError('MANIFEST_INVALID', `the blob ${digest} has ${sizes[index]} bytes, not ${size}`, {
      detail: { digest },
    });
  }
}

function missingReferences(missing: readonly Reference[]): RegistryError {
  return new RegistryError('MANIFEST_BLOB_UNKNOWN', 'the manifest refers to what is not in this repository', {
    details: missing.map(({ digest }) => ({ digest })),
  });
}
