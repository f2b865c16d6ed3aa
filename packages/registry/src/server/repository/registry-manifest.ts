import { isIndexType, isManifestType, mediaTypes } from '@wharf/oci/media-type';
import { type ContentDigest, isContentDigest } from '../content-digest.ts';
import { RegistryError } from '../error.ts';

/** What a registry has to know of a manifest: what it refers to. */
export interface RegistryManifest {
  readonly mediaType: string;
  /** Config and layers, but those that are stored elsewhere. */
  readonly blobs: readonly Reference[];
  /** An index's. */
  readonly manifests: readonly Reference[];
  readonly subject: Reference | undefined;
  readonly artifactType: string | undefined;
  readonly annotations: Readonly<Record<string, string>> | undefined;
}

export interface Reference {
  readonly digest: ContentDigest;
  readonly size: number;
}

const mostReferences = 10_000;
const schema1 = /^application\/vnd\.docker\.distribution\.manifest\.v1\+/;

/** Reads a manifest as it was pushed. Throws MANIFEST_INVALID with what is wrong. */
export function parseRegistryManifest(bytes: Uint8Array, contentType: string | undefined): RegistryManifest {
  const declared = contentType?.split(';')[0]?.trim().toLowerCase() || undefined;
  if (declared && schema1.test(declared)) throw invalid('schema 1 manifests are not supported: push schema 2 or OCI');
  const value = parseObject(bytes);
  if (value.schemaVersion === 1) throw invalid('schema 1 manifests are not supported: push schema 2 or OCI');
  if (value.schemaVersion !== 2) throw invalid('schemaVersion must be 2');
  const mediaType = mediaTypeOf(value, declared);
  const isIndex = isIndexType(mediaType);
  const common = {
    mediaType,
    subject: value.subject === undefined ? undefined : readReference(value.subject, 'subject'),
    annotations: readAnnotations(value.annotations),
  };
  if (isIndex) {
    const manifests = readReferences(value.manifests, 'manifests');
    return { ...common, blobs: [], manifests, artifactType: readText(value.artifactType, 'artifactType') };
  }
  const config = readReference(value.config, 'config');
  const configType = (value.config as Record<string, unknown>).mediaType as string | undefined;
  const layers = readReferences(value.layers, 'layers').filter((_, index) => !isStoredElsewhere(value.layers, index));
  return {
    ...common,
    blobs: [config, ...layers],
    manifests: [],
    artifactType: readText(value.artifactType, 'artifactType') || configType,
  };
}

/** The header's type, the document's own, or for a document that names none what its fields show. */
function mediaTypeOf(value: Record<string, unknown>, declared: string | undefined): string {
  const own = readText(value.mediaType, 'mediaType') || undefined;
  if (declared && own && own !== declared) {
    throw invalid(`the manifest's mediaType is ${own}, but its Content-Type is ${declared}`);
  }
  const guess = Array.isArray(value.manifests) ? mediaTypes.ociIndex : mediaTypes.ociManifest;
  const mediaType = own ?? declared ?? guess;
  if (!isIndexType(mediaType) && !isManifestType(mediaType)) throw invalid(`unknown manifest type: ${mediaType}`);
  return mediaType;
}

/** Foreign layers are fetched from their own address, unless somebody pushed them here. image-spec/layer.md */
function isStoredElsewhere(layers: unknown, index: number): boolean {
  const { mediaType = '', urls } = (layers as Record<string, unknown>[])[index]!;
  const isForeign = /\.nondistributable\.|\.foreign\./.test(String(mediaType));
  return isForeign || (Array.isArray(urls) && urls.length > 0);
}

function readReferences(value: unknown, field: string): Reference[] {
  if (!Array.isArray(value)) throw invalid(`${field} must be a list`);
  if (value.length > mostReferences) throw invalid(`${field} has more than ${mostReferences} entries`);
  return value.map((item, index) => readReference(item, `${field}[${index}]`));
}

function readReference(value: unknown, field: string): Reference {
  if (typeof value !== 'object' || value === null) throw invalid(`${field} must be a descriptor`);
  const { digest, size, mediaType } = value as Record<string, unknown>;
  if (typeof digest !== 'string' || !isContentDigest(digest)) throw invalid(`${field} has no valid digest`);
  if (!Number.isSafeInteger(size) || (size as number) < 0) throw invalid(`${field} has no valid size`);
  if (mediaType !== undefined && typeof mediaType !== 'string') throw invalid(`${field} has no valid mediaType`);
  return { digest, size: size as number };
}

function readAnnotations(value: unknown): Readonly<Record<string, string>> | undefined {
  if (value === undefined || value === null) return undefined;
  const isMap = typeof value === 'object' && !Array.isArray(value);
  if (!isMap || !Object.values(value).every((item) => typeof item === 'string')) {
    throw invalid('annotations must be a map of texts');
  }
  return value as Record<string, string>;
}

function readText(value: unknown, field: string): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw invalid(`${field} must be a text`);
  return value;
}

function parseObject(bytes: Uint8Array): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new RegistryError('MANIFEST_INVALID', 'the manifest is not JSON', { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid('the manifest is no object');
  return value as Record<string, unknown>;
}

function invalid(message: string): RegistryError {
  return new RegistryError('MANIFEST_INVALID', message);
}
