import { type ContentDigest, parseContentDigest } from '../content-digest.ts';
import { RegistryError } from '../error.ts';
import type { RepositoryName } from '../names.ts';
import type { RegistryContext } from '../registry-context.ts';
import type { RegistryDeps } from '../registry-deps.ts';
import { blobKey } from '../storage/keys.ts';
import type { ObjectBody } from '../storage/object-store.ts';
import { parseByteRange } from './byte-range.ts';
import { matchesEtag, respond } from './respond.ts';

/** `GET` and `HEAD /v2/<name>/blobs/<digest>` */
export async function getBlob(
  deps: RegistryDeps,
  context: RegistryContext,
  { repository, digest: text }: { repository: RepositoryName; digest: string },
): Promise<Response> {
  context.require(repository, 'pull');
  const digest = parseContentDigest(text);
  // Whoever asks by HEAD may be about to push a manifest instead of the blob.
  const found = context.isHead ? deps.links.lease(repository, digest) : deps.links.find(repository, digest);
  const size = await found;
  if (size !== undefined) return await sendBlob(deps, context, { digest, size });
  return await sendFromUpstream(deps, context, { repository, digest });
}

/** Sends a blob of another registry while it arrives. */
async function sendFromUpstream(
  deps: RegistryDeps,
  context: RegistryContext,
  { repository, digest }: { repository: RepositoryName; digest: ContentDigest },
): Promise<Response> {
  const { pullThrough } = deps;
  const headers = { 'Docker-Content-Digest': digest, 'Content-Type': 'application/octet-stream' };
  if (context.isHead) {
    const size = await pullThrough?.blobSize(repository, digest);
    if (size === undefined) throw blobUnknown(digest);
    return respond(200, { ...headers, 'Content-Length': String(size) });
  }
  const download = await pullThrough?.blob(deps, repository, digest);
  if (!download) throw blobUnknown(digest);
  if (context.header('Range') !== undefined || !download.canBeReadAlong) {
    await download.done;
    return await sendBlob(deps, context, { digest, size: download.size });
  }
  return respond(200, { ...headers, 'Content-Length': String(download.size), ETag: `"${digest}"` }, download.stream());
}

async function sendBlob(
  { objects }: Pick<RegistryDeps, 'objects'>,
  context: RegistryContext,
  { digest, size }: { digest: ContentDigest; size: number },
): Promise<Response> {
  const etag = `"${digest}"`;
  const headers = {
    'Accept-Ranges': 'bytes',
    'Cache-Control': 'max-age=31536000',
    'Docker-Content-Digest': digest,
    ETag: etag,
  };
  if (matchesEtag(context.header('If-None-Match'), etag)) return respond(304, headers);
  const content = { ...headers, 'Content-Type': 'application/octet-stream' };
  if (context.isHead) return respond(200, { ...content, 'Content-Length': String(size) });
  const condition = context.header('If-Range');
  const range =
    condition === undefined || condition === etag ? parseByteRange(context.header('Range'), size) : undefined;
  const { start, end } = range ?? { start: 0, end: size };
  const body = await objects.body(blobKey(digest), { start, end }, { signal: context.signal });
  if (!body) throw blobUnknown(digest);
  const partial = range && { 'Content-Range': `bytes ${start}-${end - 1}/${size}` };
  return respondBody(body, range ? 206 : 200, { ...content, ...partial, 'Content-Length': String(end - start) });
}

function respondBody(body: ObjectBody, status: number, headers: Record<string, string>): Response {
  if (body.kind === 'redirect') return respond(307, { Location: body.location });
  return respond(status, headers, body.body);
}

/** `DELETE /v2/<name>/blobs/<digest>`: the repository has it no more; the collector takes what nobody has. */
export async function deleteBlob(
  { links, policy }: RegistryDeps,
  context: RegistryContext,
  { repository, digest: text }: { repository: RepositoryName; digest: string },
): Promise<Response> {
  context.require(repository, 'delete');
  requireDeletion(policy);
  const digest = parseContentDigest(text);
  if ((await links.find(repository, digest)) === undefined) throw blobUnknown(digest);
  await links.unlink(repository, digest);
  return respond(202, { 'Docker-Content-Digest': digest });
}

export function requireDeletion({ allowDelete, readOnly }: RegistryDeps['policy']): void {
  if (!allowDelete || readOnly) throw new RegistryError('UNSUPPORTED', 'this registry does not delete');
}

export function requireWritable({ policy, pullThrough }: RegistryDeps, repository: RepositoryName): void {
  if (policy.readOnly) throw new RegistryError('UNSUPPORTED', 'this registry is read-only');
  if (pullThrough?.upstreams.isCacheOnly(repository)) {
    throw new RegistryError('UNSUPPORTED', 'this repository is a cache of another registry: push elsewhere');
  }
}

export function blobUnknown(digest: ContentDigest): RegistryError {
  return new RegistryError('BLOB_UNKNOWN', 'blob unknown to registry', { detail: { digest } });
}
