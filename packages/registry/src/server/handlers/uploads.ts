import { algorithmOf, type ContentDigest, parseContentDigest, parseDigestAlgorithm } from '../content-digest.ts';
import { RegistryError } from '../error.ts';
import { isRepositoryName, type RepositoryName } from '../names.ts';
import type { RegistryContext } from '../registry-context.ts';
import type { RegistryDeps } from '../registry-deps.ts';
import { decodeRepository, linksOf } from '../storage/keys.ts';
import type { Upload } from '../uploads/blob-uploads.ts';
import { formatUploaded } from '../uploads/upload-errors.ts';
import { requireWritable } from './blobs.ts';
import { respond } from './respond.ts';

/** `POST /v2/<name>/blobs/uploads/`: begins an upload, mounts a blob of another repository, or takes one whole. */
export async function startUpload(
  deps: RegistryDeps,
  context: RegistryContext,
  repository: RepositoryName,
): Promise<Response> {
  context.require(repository, 'push');
  requireWritable(deps, repository);
  const { query } = context;
  const mount = query.get('mount');
  if (mount !== null && (await mountBlob(deps, context, { repository, digest: parseContentDigest(mount) }))) {
    return respondCreated(repository, mount);
  }
  const whole = query.get('digest');
  if (whole !== null) return await takeWhole(deps, context, { repository, digest: parseContentDigest(whole) });
  const algorithm = parseDigestAlgorithm(query.get('digest-algorithm') ?? 'sha256');
  return respondProgress(202, await deps.uploads.create(repository, algorithm));
}

/** From the repository that was named, or from any that the client may read. */
async function mountBlob(
  { objects, links }: RegistryDeps,
  context: RegistryContext,
  { repository, digest }: { repository: RepositoryName; digest: ContentDigest },
): Promise<boolean> {
  const from = context.query.get('from');
  const holders = from === null ? (await objects.children(linksOf(digest))).map(decodeRepository) : [from];
  const source = holders.find((holder) => isRepositoryName(holder) && context.identity.may(holder, 'pull'));
  if (source === undefined || (await links.lease(source, digest)) === undefined) return false;
  return await links.link(repository, digest);
}

async function takeWhole(
  deps: RegistryDeps,
  context: RegistryContext,
  { repository, digest }: { repository: RepositoryName; digest: ContentDigest },
): Promise<Response> {
  const upload = await deps.uploads.create(repository, algorithmOf(digest));
  try {
    await appendBody(deps, context, upload);
  } catch (error) {
    await deps.uploads.cancel(upload);
    throw error;
  }
  return await commitUpload(deps, upload, digest);
}

/** `PATCH /v2/<name>/blobs/uploads/<id>`: one more piece. */
export async function patchUpload(
  deps: RegistryDeps,
  context: RegistryContext,
  { repository, id }: { repository: RepositoryName; id: string },
): Promise<Response> {
  const upload = await requireUpload(deps, context, { repository, id });
  const size = await appendBody(deps, context, upload);
  return respondProgress(202, { ...upload, size });
}

/** `PUT /v2/<name>/blobs/uploads/<id>?digest=`: the last piece, or none, and the end. */
export async function putUpload(
  deps: RegistryDeps,
  context: RegistryContext,
  { repository, id }: { repository: RepositoryName; id: string },
): Promise<Response> {
  const upload = await requireUpload(deps, context, { repository, id });
  const text = context.query.get('digest');
  if (text === null) throw new RegistryError('DIGEST_INVALID', 'the parameter digest is missing');
  const digest = parseContentDigest(text);
  await appendBody(deps, context, upload);
  return await commitUpload(deps, upload, digest);
}

/** `GET /v2/<name>/blobs/uploads/<id>`: how far it is. */
export async function getUpload(
  deps: RegistryDeps,
  context: RegistryContext,
  target: { repository: RepositoryName; id: string },
): Promise<Response> {
  return respondProgress(204, await requireUpload(deps, context, target));
}

/** `DELETE /v2/<name>/blobs/uploads/<id>` */
export async function cancelUpload(
  deps: RegistryDeps,
  context: RegistryContext,
  target: { repository: RepositoryName; id: string },
): Promise<Response> {
  await deps.uploads.cancel(await requireUpload(deps, context, target));
  return respond(204, {});
}

async function requireUpload(
  deps: RegistryDeps,
  context: RegistryContext,
  { repository, id }: { repository: RepositoryName; id: string },
): Promise<Upload> {
  context.require(repository, 'push');
  requireWritable(deps, repository);
  const upload = await deps.uploads.find(repository, id);
  if (!upload) throw new RegistryError('BLOB_UPLOAD_UNKNOWN', 'blob upload unknown to registry', { detail: { id } });
  return upload;
}

async function appendBody(
  { uploads, policy }: RegistryDeps,
  context: RegistryContext,
  upload: Upload,
): Promise<number> {
  const range = context.header('Content-Range');
  const announced = range === undefined ? undefined : parseContentRange(range);
  return await uploads.append(upload, context.request.body, {
    at: announced?.start,
    length: announced?.length,
    limit: policy.maximumBlobSize,
  });
}

/** `0-1023`: without a unit, unlike HTTP's own; some clients put one all the same. */
function parseContentRange(text: string): { start: number; length: number } {
  const match = /^(?:bytes[ =])?(\d{1,15})-(\d{1,15})(?:\/(?:\d+|\*))?$/.exec(text.trim());
  const start = Number(match?.[1]);
  const last = Number(match?.[2]);
  if (!match || last < start) {
    throw new RegistryError('BLOB_UPLOAD_INVALID', 'invalid Content-Range', {
      status: 416,
      detail: text.slice(0, 100),
    });
  }
  return { start, length: last - start + 1 };
}

async function commitUpload(
  { uploads, links }: RegistryDeps,
  upload: Upload,
  digest: ContentDigest,
): Promise<Response> {
  // The link goes first: a collector that then looks for one leaves the content alone.
  await uploads.commit(upload, digest, () => links.claim(upload.repository, digest));
  return respondCreated(upload.repository, digest);
}

function respondCreated(repository: RepositoryName, digest: ContentDigest): Response {
  return respond(201, { Location: `/v2/${repository}/blobs/${digest}`, 'Docker-Content-Digest': digest });
}

function respondProgress(status: number, { repository, id, size }: Upload): Response {
  return respond(status, {
    Location: `/v2/${repository}/blobs/uploads/${id}`,
    Range: formatUploaded(size),
    'Docker-Upload-UUID': id,
  });
}
