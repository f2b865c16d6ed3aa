import type { ContentDigest } from '../content-digest.ts';
import type { RepositoryName } from '../names.ts';
import type { RegistryDeps } from '../registry-deps.ts';
import { parseRegistryManifest } from '../repository/registry-manifest.ts';
import {
  blobMarkerKey,
  blobsPrefix,
  decodeRepository,
  digestInKey,
  linkKey,
  linksOf,
  linksPrefix,
  repositoryMarkerKey,
} from '../storage/keys.ts';

export interface CollectOptions {
  /** Says what would go, and removes nothing. */
  readonly dryRun: boolean;
  /** Milliseconds that an upload may rest. */
  readonly uploadLifetime: number;
  readonly signal?: AbortSignal;
}

export interface Collected {
  readonly uploads: number;
  /** Blobs that a repository has no use for any more. */
  readonly links: number;
  readonly blobs: number;
  readonly bytes: number;
}

/**
 * Takes what nothing refers to, while pushes and deletions go on. What is younger than the grace, or was asked for
 * within it, stays: a push may be about to refer to it. markers.ts says why nothing that is in use can be taken.
 */
export async function collectGarbage(deps: RegistryDeps, options: CollectOptions): Promise<Collected> {
  const uploads = options.dryRun ? 0 : await deps.uploads.expire(Date.now() - options.uploadLifetime);
  const old = await oldLinks(deps);
  let links = 0;
  const freed = new Set<string>();
  for (const [repository, digests] of old) {
    options.signal?.throwIfAborted();
    const unused = await sweepRepository(deps, repository, { digests, dryRun: options.dryRun });
    links += unused.length;
    for (const digest of unused) freed.add(linkKey(digest, repository));
  }
  const { blobs, bytes } = await sweepBlobs(deps, options, freed);
  return { uploads, links, blobs, bytes };
}

/** Links whose lease has run out, by repository. */
async function oldLinks({ objects, policy }: RegistryDeps): Promise<Map<RepositoryName, ContentDigest[]>> {
  const before = Date.now() - policy.grace;
  const found = new Map<RepositoryName, ContentDigest[]>();
  for await (const { key, modified } of objects.list(linksPrefix)) {
    const digest = digestInKey(key);
    if (!digest || modified >= before) continue;
    const repository = decodeRepository(key.slice(key.lastIndexOf('/') + 1));
    const list = found.get(repository);
    if (list) list.push(digest);
    else found.set(repository, [digest]);
  }
  return found;
}

async function sweepRepository(
  deps: RegistryDeps,
  repository: RepositoryName,
  { digests, dryRun }: { digests: readonly ContentDigest[]; dryRun: boolean },
): Promise<ContentDigest[]> {
  const { locks, markers, objects, links, policy } = deps;
  // Without a marker at first: most repositories have nothing to give.
  const used = await usedBlobs(deps, repository);
  const unused = digests.filter((digest) => !used.has(digest));
  if (unused.length === 0 || dryRun) return unused;
  return await locks.run(repository, async () => {
    await using marker = await markers.open(repositoryMarkerKey(repository));
    if (!marker) return [];
    const usedNow = await usedBlobs(deps, repository);
    const removed: ContentDigest[] = [];
    for (const digest of unused) {
      const link = await objects.stat(linkKey(digest, repository));
      if (!link || link.modified >= Date.now() - policy.grace || usedNow.has(digest)) continue;
      await marker.hold();
      await links.unlink(repository, digest);
      removed.push(digest);
    }
    return removed;
  });
}

async function usedBlobs({ manifests }: RegistryDeps, repository: RepositoryName): Promise<Set<ContentDigest>> {
  const used = new Set<ContentDigest>();
  for await (const { digest } of manifests.list(repository)) {
    const record = await manifests.read(repository, digest);
    if (!record) continue;
    for (const blob of parseRegistryManifest(record.bytes, record.mediaType).blobs) used.add(blob.digest);
  }
  return used;
}

async function sweepBlobs(
  deps: RegistryDeps,
  { dryRun, signal }: CollectOptions,
  freed: ReadonlySet<string>,
): Promise<{ blobs: number; bytes: number }> {
  const { objects, policy } = deps;
  let blobs = 0;
  let bytes = 0;
  for await (const { key, size, modified } of objects.list(blobsPrefix)) {
    signal?.throwIfAborted();
    const digest = digestInKey(key);
    if (!digest || modified >= Date.now() - policy.grace) continue;
    const holders = await objects.children(linksOf(digest));
    if (holders.some((holder) => !freed.has(linksOf(digest) + holder))) continue;
    if (!dryRun && !(await removeBlob(deps, key, digest))) continue;
    blobs++;
    bytes += size;
  }
  return { blobs, bytes };
}

async function removeBlob({ objects, markers }: RegistryDeps, key: string, digest: ContentDigest): Promise<boolean> {
  await using marker = await markers.open(blobMarkerKey(digest));
  if (!marker) return false;
  // Whoever linked to it before the marker was there is seen here; whoever links now sees the marker, and waits.
  if ((await objects.children(linksOf(digest))).length > 0) return false;
  await objects.remove(key);
  return true;
}
