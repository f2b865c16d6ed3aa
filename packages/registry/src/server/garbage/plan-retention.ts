import type { ContentDigest } from '../content-digest.ts';
import type { Tag } from '../names.ts';

/** A tag that matches none of the reasons to stay goes. */
export interface RetentionRule {
  readonly repositories: string;
  /** The newest so many stay. */
  readonly keepLast?: number;
  /** Tags that match one of these expressions stay. */
  readonly keepTags?: readonly string[];
  /** Milliseconds; younger tags stay. */
  readonly keepYounger?: number;
  /** Milliseconds; a manifest that no tag leads to goes when it is older. Undefined keeps them. */
  readonly removeUntagged?: number;
}

export interface RepositoryState {
  readonly tags: ReadonlyMap<Tag, { readonly digest: ContentDigest; readonly pushed: number }>;
  readonly manifests: readonly StoredManifest[];
}

export interface StoredManifest {
  readonly digest: ContentDigest;
  readonly modified: number;
  /** An index's manifests. */
  readonly children: readonly ContentDigest[];
  readonly subject: ContentDigest | undefined;
}

export interface RetentionPlan {
  readonly tags: readonly Tag[];
  readonly manifests: readonly ContentDigest[];
}

/** What one rule removes of a repository. Removes no tag by a rule that gives no reason to keep any. */
export function planRetention(state: RepositoryState, rule: RetentionRule, now: number): RetentionPlan {
  const tags = hasTagReason(rule) ? tagsToRemove(state, rule, now) : [];
  if (rule.removeUntagged === undefined) return { tags, manifests: [] };
  const gone = new Set(tags);
  const kept = [...state.tags].filter(([tag]) => !gone.has(tag)).map(([, { digest }]) => digest);
  const reachable = reachableFrom(kept, state.manifests);
  const before = now - rule.removeUntagged;
  const manifests = state.manifests.filter(({ digest, modified }) => !reachable.has(digest) && modified < before);
  return { tags, manifests: manifests.map(({ digest }) => digest) };
}

function hasTagReason({ keepLast, keepTags, keepYounger }: RetentionRule): boolean {
  return keepLast !== undefined || keepTags !== undefined || keepYounger !== undefined;
}

function tagsToRemove({ tags }: RepositoryState, rule: RetentionRule, now: number): Tag[] {
  const newestFirst = [...tags].sort(([a, left], [b, right]) => right.pushed - left.pushed || (a < b ? 1 : -1));
  const patterns = (rule.keepTags ?? []).map((text) => new RegExp(text));
  let counted = 0;
  return newestFirst
    .filter(([tag, { pushed }]) => {
      if (patterns.some((pattern) => pattern.test(tag))) return false;
      if (rule.keepLast !== undefined && counted++ < rule.keepLast) return false;
      return rule.keepYounger === undefined || pushed < now - rule.keepYounger;
    })
    .map(([tag]) => tag);
}

/** Tagged manifests, what indexes among them list, and what refers to any of these as its subject. */
function reachableFrom(tagged: readonly ContentDigest[], manifests: readonly StoredManifest[]): Set<ContentDigest> {
  const byDigest = new Map(manifests.map((manifest) => [manifest.digest, manifest]));
  const bySubject = Map.groupBy(
    manifests.filter(({ subject }) => subject !== undefined),
    ({ subject }) => subject,
  );
  const reachable = new Set<ContentDigest>();
  const queue = [...tagged];
  for (let digest = queue.pop(); digest !== undefined; digest = queue.pop()) {
    if (reachable.has(digest)) continue;
    reachable.add(digest);
    queue.push(...(byDigest.get(digest)?.children ?? []));
    queue.push(...(bySubject.get(digest) ?? []).map((referrer) => referrer.digest));
  }
  return reachable;
}
