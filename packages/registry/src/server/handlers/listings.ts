import { mediaTypes } from '@wharf/oci/media-type';
import { parseContentDigest } from '../content-digest.ts';
import { RegistryError } from '../error.ts';
import type { RepositoryName } from '../names.ts';
import type { RegistryContext } from '../registry-context.ts';
import type { RegistryDeps } from '../registry-deps.ts';
import { hasRepository, listRepositories } from '../repository/list-repositories.ts';
import { respondJson } from './respond.ts';

/** As many repositories as one answer names, where the client sets no limit of its own. */
const catalogPage = 1000;

/** `GET /v2/<name>/tags/list` */
export async function listTags(
  deps: RegistryDeps,
  context: RegistryContext,
  repository: RepositoryName,
): Promise<Response> {
  context.require(repository, 'pull');
  const all = (await upstreamTags(deps, context, repository)) ?? (await deps.tags.list(repository));
  if (all.length === 0 && !(await hasRepository(deps, repository))) {
    throw new RegistryError('NAME_UNKNOWN', 'repository name not known to registry', { detail: { name: repository } });
  }
  const { page, headers } = paginate(all, context, `/v2/${repository}/tags/list`);
  return respondJson(200, { name: repository, tags: page }, headers);
}

/** The tags that a repository of another registry has; what is known of them here when it does not answer. */
async function upstreamTags(
  { pullThrough }: RegistryDeps,
  { signal }: RegistryContext,
  repository: RepositoryName,
): Promise<string[] | undefined> {
  const source = pullThrough?.upstreams.find(repository);
  if (!source || source.upstream.prefix === '') return undefined;
  try {
    return (await Array.fromAsync(source.remote.tags(signal))).sort();
  } catch {
    return undefined;
  }
}

/** `GET /v2/_catalog`: what the client may read. */
export async function listCatalog(deps: RegistryDeps, context: RegistryContext): Promise<Response> {
  const all = await listRepositories(deps);
  const readable = all.filter((repository) => context.identity.mayList(repository));
  // A token for the catalog names no repository, so that nothing can be told from an empty list.
  if (readable.length === 0 && all.some((repository) => context.identity.mightWith(repository, 'pull'))) {
    throw context.unauthorized('registry:catalog:*');
  }
  const { page, headers } = paginate(readable, context, '/v2/_catalog', catalogPage);
  return respondJson(200, { repositories: page }, headers);
}

/** `GET /v2/<name>/referrers/<digest>` */
export async function listReferrers(
  { referrers }: RegistryDeps,
  context: RegistryContext,
  { repository, digest }: { repository: RepositoryName; digest: string },
): Promise<Response> {
  context.require(repository, 'pull');
  const subject = parseContentDigest(digest);
  const artifactType = context.query.get('artifactType') || undefined;
  const all = await referrers.list(repository, subject);
  const manifests = artifactType ? all.filter((referrer) => referrer.artifactType === artifactType) : all;
  const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests };
  return respondJson(200, index, {
    'Content-Type': mediaTypes.ociIndex,
    ...(artifactType && { 'OCI-Filters-Applied': 'artifactType' }),
  });
}

/** The `n` entries after `last` of a sorted list, and where to find the next. */
function paginate(
  all: readonly string[],
  { query }: RegistryContext,
  path: string,
  most = Number.POSITIVE_INFINITY,
): { page: readonly string[]; headers: Record<string, string> } {
  const text = query.get('n');
  if (text !== null && !/^\d{1,9}$/.test(text)) {
    throw new RegistryError('UNSUPPORTED', 'n must be a number of entries', { status: 400, detail: { n: text } });
  }
  const count = Math.min(text === null ? most : Number(text), most);
  const last = query.get('last');
  const from = last === null ? 0 : all.findIndex((entry) => entry > last);
  const rest = from < 0 ? [] : all.slice(from);
  const page = rest.slice(0, count);
  if (page.length === 0 || page.length === rest.length) return { page, headers: {} };
  const next = `${path}?n=${page.length}&last=${encodeURIComponent(page.at(-1)!)}`;
  return { page, headers: { Link: `<${next}>; rel="next"` } };
}
