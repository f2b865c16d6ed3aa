import { isIndexType, mediaTypes } from '@wharf/oci/media-type';
import { isContentDigest, parseContentDigest } from '../content-digest.ts';
import { RegistryError } from '../error.ts';
import { isTag, type RepositoryName } from '../names.ts';
import type { RegistryContext } from '../registry-context.ts';
import type { RegistryDeps } from '../registry-deps.ts';
import { deleteManifest, deleteTag } from '../repository/delete-manifest.ts';
import type { ManifestRecord } from '../repository/manifest-records.ts';
import { putManifest } from '../repository/put-manifest.ts';
import { requireDeletion, requireWritable } from './blobs.ts';
import { matchesEtag, respond } from './respond.ts';

interface ManifestTarget {
  readonly repository: RepositoryName;
  /** As it came: a tag, a digest or neither. */
  readonly reference: string;
}

/** `GET` and `HEAD /v2/<name>/manifests/<reference>` */
export async function getManifest(
  deps: RegistryDeps,
  context: RegistryContext,
  { repository, reference }: ManifestTarget,
): Promise<Response> {
  context.require(repository, 'pull');
  const record = await findManifest(deps, repository, reference);
  if (!record) throw manifestUnknown(reference);
  return await sendManifest(deps, context, { repository, record });
}

async function findManifest(
  deps: RegistryDeps,
  repository: RepositoryName,
  reference: string,
): Promise<ManifestRecord | undefined> {
  checkReference(reference);
  const { tags, manifests, pullThrough } = deps;
  if (pullThrough?.upstreams.find(repository)) return await pullThrough.manifest(deps, repository, reference);
  if (reference.includes(':')) return await manifests.read(repository, parseContentDigest(reference));
  const tag = await tags.read(repository, reference);
  return tag && (await manifests.read(repository, tag.digest));
}

export async function sendManifest(
  deps: RegistryDeps,
  context: RegistryContext,
  { repository, record }: { repository: RepositoryName; record: ManifestRecord },
): Promise<Response> {
  const { digest, mediaType, bytes } = await negotiate(deps, context, { repository, record });
  const etag = `"${digest}"`;
  const headers = { 'Docker-Content-Digest': digest, ETag: etag, Vary: 'Accept' };
  if (matchesEtag(context.header('If-None-Match'), etag)) return respond(304, headers);
  const content = { ...headers, 'Content-Type': mediaType, 'Content-Length': String(bytes.length) };
  return respond(200, content, context.isHead ? null : new Uint8Array(bytes));
}

/** An old client that takes no index gets the manifest for linux/amd64 out of it, as from distribution. */
async function negotiate(
  { manifests }: RegistryDeps,
  context: RegistryContext,
  { repository, record }: { repository: RepositoryName; record: ManifestRecord },
): Promise<ManifestRecord> {
  const accept = context.header('Accept')?.toLowerCase();
  if (accepts(accept, record.mediaType)) return record;
  if (isIndexType(record.mediaType)) {
    const { manifests: children } = JSON.parse(record.bytes.toString());
    for (const { digest, platform } of children) {
      if (platform?.os !== 'linux' || platform.architecture !== 'amd64') continue;
      const child = await manifests.read(repository, parseContentDigest(digest));
      if (child && accepts(accept, child.mediaType)) return child;
    }
  }
  throw new RegistryError(
    'MANIFEST_UNKNOWN',
    `the manifest is of type ${record.mediaType}, which the Accept header does not have`,
  );
}

function accepts(header: string | undefined, mediaType: string): boolean {
  if (header === undefined || header.trim() === '') return true;
  const listed = header.split(',').map((item) => item.split(';')[0]!.trim());
  if (listed.includes(mediaType) || listed.includes('*/*') || listed.includes('application/*')) return true;
  // Who asks for JSON alone names no type of a manifest at all, and gets what there is.
  return !listed.some((type) => (Object.values(mediaTypes) as string[]).includes(type) || type.includes('manifest'));
}

/** `PUT /v2/<name>/manifests/<reference>` */
export async function receiveManifest(
  deps: RegistryDeps,
  context: RegistryContext,
  { repository, reference }: ManifestTarget,
): Promise<Response> {
  context.require(repository, 'push');
  requireWritable(deps, repository);
  checkReference(reference);
  const tags = isContentDigest(reference) ? context.query.getAll('tag') : [];
  for (const tag of tags) checkReference(tag);
  const bytes = await readBody(context.request, deps.policy.maximumManifestSize);
  const { digest, subject } = await putManifest(deps, {
    repository,
    reference,
    tags,
    contentType: context.header('Content-Type'),
    bytes,
  });
  return respond(201, {
    Location: `/v2/${repository}/manifests/${digest}`,
    'Docker-Content-Digest': digest,
    ...(subject !== undefined && { 'OCI-Subject': subject }),
    ...(tags.length > 0 && { 'OCI-Tag': tags.join(', ') }),
  });
}

/** `DELETE /v2/<name>/manifests/<reference>`: a tag goes alone, a digest takes its tags along. */
export async function removeManifestOrTag(
  deps: RegistryDeps,
  context: RegistryContext,
  { repository, reference }: ManifestTarget,
): Promise<Response> {
  context.require(repository, 'delete');
  requireDeletion(deps.policy);
  checkReference(reference);
  if (!reference.includes(':')) await deleteTag(deps, repository, reference);
  else if (!(await deleteManifest(deps, repository, reference))) throw manifestUnknown(reference);
  return respond(202, {});
}

function checkReference(reference: string): void {
  if (reference.includes(':')) parseContentDigest(reference);
  else if (!isTag(reference))
    throw new RegistryError('MANIFEST_INVALID', 'invalid tag', { detail: { tag: reference } });
}

export async function readBody(request: Request, limit: number): Promise<Buffer> {
  const tooLarge = new RegistryError('MANIFEST_INVALID', `the manifest is larger than ${limit} bytes`, { status: 413 });
  if (Number(request.headers.get('content-length') ?? 0) > limit) throw tooLarge;
  if (!request.body) return Buffer.alloc(0);
  const reader = request.body.getReader();
  const pieces: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return Buffer.concat(pieces);
    size += value.length;
    if (size > limit) {
      await reader.cancel().catch(() => {});
      throw tooLarge;
    }
    pieces.push(value);
  }
}

export function manifestUnknown(reference: string): RegistryError {
  const detail = reference.includes(':') ? { digest: reference } : { tag: reference.slice(0, 128) };
  return new RegistryError('MANIFEST_UNKNOWN', 'manifest unknown', { detail });
}
