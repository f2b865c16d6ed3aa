import { EngineError, invalidArgument } from '@wharf/base/error';
import type { Descriptor } from '@wharf/oci/descriptor';
import { type Digest, isDigest } from '@wharf/oci/digest';
import { digestOf } from '@wharf/oci/digest-of';
import { isIndexType, isManifestType, mediaTypes } from '@wharf/oci/media-type';

import { ConnectionFailure } from './registry-error.ts';

export interface FetchedManifest {
  readonly descriptor: Descriptor;
  readonly bytes: Buffer;
}

/** Indexes first: a registry that has several takes the first it can give. */
export const manifestAccept = [
  mediaTypes.ociIndex,
  mediaTypes.dockerManifestList,
  mediaTypes.ociManifest,
  mediaTypes.dockerManifest,
  '*/*;q=0.1',
].join(', ');

const maximumManifest = 16 << 20;
const schema1 = /^application\/vnd\.docker\.distribution\.manifest\.v1\+/;

/** From the headers of a HEAD; undefined where they do not say enough. */
export function resolvedDescriptor({ headers }: Response): Descriptor | undefined {
  const digest = headers.get('docker-content-digest') ?? '';
  const mediaType = typeOf(headers);
  const size = Number(headers.get('content-length') ?? Number.NaN);
  if (!isDigest(digest) || !Number.isSafeInteger(size)) return undefined;
  return isIndexType(mediaType) || isManifestType(mediaType) ? { mediaType, digest, size } : undefined;
}

/** Reads a manifest whole and checks that it is what was asked for, and of one kind only. */
export async function readManifest(response: Response, reference: string): Promise<FetchedManifest> {
  const bytes = await readLimited(response);
  const digest = digestOf(bytes);
  const claimed = response.headers.get('docker-content-digest');
  for (const expected of [reference.includes(':') ? reference : undefined, claimed]) {
    if (expected?.startsWith('sha256:') && expected !== digest) throw wrongDigest(expected, digest);
  }
  const mediaType = checkKind(bytes, typeOf(response.headers));
  return { descriptor: { mediaType, digest, size: bytes.length }, bytes };
}

function wrongDigest(expected: Digest, actual: Digest): EngineError {
  return new EngineError(
    'data_loss',
    `manifest verification failed for digest ${expected}: the registry sent ${actual}`,
  );
}

function typeOf(headers: Headers): string {
  return (headers.get('content-type') ?? '').split(';')[0]!.trim().toLowerCase();
}

/**
 * The kind by header and body. A document that can be read as both index and manifest would mean one thing to who
 * checked it and another to who runs it (CVE-2021-41190).
 */
function checkKind(bytes: Buffer, header: string): string {
  if (schema1.test(header)) throw schema1Refused(header);
  const body = parse(bytes);
  if (body.schemaVersion === 1) throw schema1Refused('schema 1');
  const isIndex = Array.isArray(body.manifests);
  const isManifest = body.config !== undefined || body.layers !== undefined;
  if (isIndex && isManifest) throw invalidArgument('invalid manifest: it is both an index and a manifest');
  const stated = typeof body.mediaType === 'string' ? body.mediaType : undefined;
  const known = (type: string) => isIndexType(type) || isManifestType(type);
  const mediaType = known(header) ? header : (stated ?? (isIndex ? mediaTypes.ociIndex : mediaTypes.ociManifest));
  if (!known(mediaType))
    throw invalidArgument(`unsupported manifest media type: ${JSON.stringify(header || mediaType)}`);
  if (stated !== undefined && stated !== mediaType) {
    throw invalidArgument(
      `invalid manifest: it says ${JSON.stringify(stated)}, the registry says ${JSON.stringify(mediaType)}`,
    );
  }
  if (isIndexType(mediaType) !== isIndex)
    throw invalidArgument('invalid manifest: its media type is not that of its content');
  return mediaType;
}

function schema1Refused(type: string): EngineError {
  return invalidArgument(
    `Docker Image manifest version 2, schema 1 (${type}) is not supported: ask the author of the image to push it again in the OCI format or as schema 2`,
  );
}

function parse(bytes: Buffer): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch (cause) {
    throw invalidArgument('invalid manifest: it is not JSON', { cause });
  }
  throw invalidArgument('invalid manifest');
}

async function readLimited(response: Response): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of response.body ?? []) {
      length += chunk.length;
      if (length > maximumManifest) break;
      chunks.push(chunk);
    }
  } catch (cause) {
    throw new ConnectionFailure('the connection broke while the manifest was read: unexpected EOF', cause);
  }
  if (length > maximumManifest) throw invalidArgument('invalid manifest: it is too large');
  const promised = response.headers.get('content-length');
  if (promised !== null && Number(promised) !== length) {
    throw new ConnectionFailure(`manifest is cut short: ${length} of ${promised} bytes came`, undefined);
  }
  return Buffer.concat(chunks);
}
