import { parseRepositoryPattern } from '../access/repository-pattern.ts';
import type { ContentDigest } from '../content-digest.ts';
import type { RepositoryName, Tag } from '../names.ts';
import type { RegistryDeps } from '../registry-deps.ts';
import { removeManifest } from '../repository/delete-manifest.ts';
import { listRepositories } from '../repository/list-repositories.ts';
import { parseRegistryManifest } from '../repository/registry-manifest.ts';
import { repositoryMarkerKey } from '../storage/keys.ts';
import { planRetention, type RepositoryState, type RetentionRule, type StoredManifest } from './plan-retention.ts';

/** One thing that a rule removed, or would. */
export interface Removal {
  readonly repository: RepositoryName;
  readonly tag?: Tag;
  readonly digest: ContentDigest;
}

/** Applies every rule to every repository that it names; a dry run says what would go. */
export async function applyRetention(
  deps: RegistryDeps,
  rules: readonly RetentionRule[],
  { dryRun }: { dryRun: boolean },
): Promise<Removal[]> {
  const removals: Removal[] = [];
  if (rules.length === 0) return removals;
  for (const repository of await listRepositories(deps)) {
    for (const rule of rules) {
      if (!parseRepositoryPattern(rule.repositories)(repository)) continue;
      removals.push(...(await deps.locks.run(repository, () => applyRule(deps, repository, { rule, dryRun }))));
    }
  }
  return removals;
}

async function applyRule(
  deps: RegistryDeps,
  repository: RepositoryName,
  { rule, dryRun }: { rule: RetentionRule; dryRun: boolean },
): Promise<Removal[]> {
  await using marker = dryRun ? undefined : await deps.markers.open(repositoryMarkerKey(repository));
  if (!dryRun && !marker) return [];
  const state = await readState(deps, repository);
  const plan = planRetention(state, rule, Date.now());
  const tags = plan.tags.filter((tag) => !deps.policy.isImmutable(repository, tag));
  const removals: Removal[] = tags.map((tag) => ({ repository, tag, digest: state.tags.get(tag)!.digest }));
  // A manifest that an immutable tag leads to stays with it.
  const pointedAt = new Set([...state.tags].filter(([tag]) => !tags.includes(tag)).map(([, { digest }]) => digest));
  const manifests = plan.manifests.filter((digest) => !pointedAt.has(digest));
  removals.push(...manifests.map((digest) => ({ repository, digest })));
  if (dryRun) return removals;
  for (const tag of tags) {
    await marker?.hold();
    await deps.tags.remove(repository, tag);
  }
  for (const digest of manifests) {
    await marker?.hold();
    await removeManifest(deps, repository, digest);
  }
  return removals;
}

async function readState({ tags, manifests }: RegistryDeps, repository: RepositoryName): Promise<RepositoryState> {
  const stored: StoredManifest[] = [];
  for await (const { digest, modified } of manifests.list(repository)) {
    const record = await manifests.read(repository, digest);
    if (!record) continue;
    const parsed = parseRegistryManifest(record.bytes, record.mediaType);
    const children = parsed.manifests.map((child) => child.digest);
    stored.push({ digest, modified, children, subject: parsed.subject?.digest });
  }
  return { tags: await tags.readAll(repository), manifests: stored };
}
