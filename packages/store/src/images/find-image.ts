import { EngineError, invalidArgument, notFound } from '@wharf/base/error';
import type { Digest } from '@wharf/oci/digest';
import { formatPlatform, type Platform } from '@wharf/oci/platform';
import { formatCanonical, formatFamiliar, parseReference, type Reference, withDefaultTag } from '@wharf/oci/reference';
import type { ImageParts } from './image-parts.ts';
import type { ImageRecord } from './image-store.ts';

/**
 * Finds an image as Docker does: a name first, then an id or its prefix, with or without `sha256:`; the digest of
 * its config serves as well. Throws not_found `No such image: x`, with `:latest` where a name had no tag.
 */
export function findImage(parts: ImageParts, nameOrId: string, platform?: Platform): ImageRecord {
  const id = findByName(parts, nameOrId) ?? findById(parts, nameOrId);
  const record = id && parts.catalog.records().get(id);
  if (!record) throw noSuchImage(nameOrId);
  if (!platform) return record;
  const chosen = parts.catalog.forPlatform(record.id, platform);
  if (chosen) return chosen;
  const had = formatPlatform(record.config);
  throw notFound(
    `image with reference ${nameOrId} was found but its platform (${had}) does not match the specified platform (${formatPlatform(platform)})`,
    { reason: 'image_not_found' },
  );
}

/** What cannot be a name nor an id is invalid_argument, with the reason why. */
export function noSuchImage(nameOrId: string): EngineError {
  const isId = /^(sha256:)?[0-9a-f]{64}$/.test(nameOrId);
  try {
    const shown = isId ? nameOrId : formatFamiliar(withDefaultTag(parseReference(nameOrId)));
    return notFound(`No such image: ${shown}`, { reason: 'image_not_found' });
  } catch (error) {
    return EngineError.from(error);
  }
}

/** True where the text is (the beginning of) this id rather than a name. */
export function isIdPrefix(image: ImageRecord, text: string): boolean {
  return [image.id, image.configDigest].some(
    (id) => id.startsWith(text) || id.slice('sha256:'.length).startsWith(text),
  );
}

function findByName(parts: ImageParts, text: string): Digest | undefined {
  const reference = tryParse(text);
  if (!reference) return undefined;
  const tagged = withDefaultTag(reference);
  const named = parts.tags.get(formatCanonical(tagged));
  if (named) return named.imageId;
  if (reference.digest === undefined) return undefined;
  return findByDigest(parts, reference, reference.digest);
}

/** `name@digest`: any image of that name whose id it is. */
function findByDigest(parts: ImageParts, { domain, path }: Reference, digest: Digest): Digest | undefined {
  for (const { reference, imageId } of parts.tags.values()) {
    if (imageId !== digest) continue;
    const parsed = parseReference(reference);
    if (parsed.domain === domain && parsed.path === path) return imageId;
  }
  return undefined;
}

function findById(parts: ImageParts, text: string): Digest | undefined {
  const prefix = text.startsWith('sha256:') ? text.slice('sha256:'.length) : text;
  if (!/^[0-9a-f]{1,64}$/.test(prefix)) return undefined;
  const wanted = `sha256:${prefix}`;
  const found = new Set<Digest>();
  for (const { id, configDigest } of parts.catalog.records().values()) {
    if (id === wanted) return id;
    if (id.startsWith(wanted) || configDigest.startsWith(wanted)) found.add(id);
  }
  if (found.size > 1) throw invalidArgument(`multiple IDs found with provided prefix: ${text}`);
  return found.values().next().value;
}

function tryParse(text: string): Reference | undefined {
  try {
    return parseReference(text);
  } catch (error) {
    if (error instanceof EngineError && error.code === 'invalid_argument') return undefined;
    throw error;
  }
}
