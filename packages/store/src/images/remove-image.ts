import { conflict, type EngineError } from '@wharf/base/error';
import { shortId } from '@wharf/base/id';
import { formatCanonical, formatFamiliar, parseReference, type Reference, withDefaultTag } from '@wharf/oci/reference';
import { findImage, isIdPrefix } from './find-image.ts';
import type { ImageParts } from './image-parts.ts';
import type { ImageRecord, ImageStore } from './image-store.ts';

type RemoveOptions = Parameters<ImageStore['remove']>[1];
type Removed = { Untagged: string } | { Deleted: string };

/**
 * Docker's rules: a name is untagged; the image goes with its last name, or by its id where that is not ambiguous.
 * A conflict leaves all names as they were.
 */
export function removeImage(parts: ImageParts, nameOrId: string, options: RemoveOptions): Removed[] {
  const image = findImage(parts, nameOrId);
  try {
    return parts.database.transaction(() => removeAs(parts, image, nameOrId, options));
  } finally {
    parts.catalog.changed();
  }
}

function removeAs(parts: ImageParts, image: ImageRecord, nameOrId: string, options: RemoveOptions): Removed[] {
  const removed: Removed[] = [];
  if (!isIdPrefix(image, nameOrId)) {
    requireUnusedName(parts, image, nameOrId, options);
    untag(parts, image, [withDefaultTag(parseReference(nameOrId))], removed);
    if (referencesTo(parts, image).length > 0) return removed;
  } else if (isSingleReference(referencesTo(parts, image))) {
    untag(parts, image, referencesTo(parts, image), removed);
  }
  requireDeletable(parts, image, options);
  untag(parts, image, referencesTo(parts, image), removed);
  parts.images.delete(image.id);
  removed.push({ Deleted: image.id });
  return removed;
}

function requireUnusedName(
  parts: ImageParts,
  image: ImageRecord,
  name: string,
  { force, usedBy }: RemoveOptions,
): void {
  if (!isSingleReference(referencesTo(parts, image))) return;
  const user = usedBy(image.id)[0];
  if (!user) return;
  // Docker's rule goes further than it seems: with force a running container still keeps the image, see below.
  if (force) return;
  throw conflict(
    `conflict: unable to remove repository reference ${JSON.stringify(name)} (must force) - container ${shortId(user.containerId)} is using its referenced image ${shortId(image.id)}`,
  );
}

function requireDeletable(parts: ImageParts, image: ImageRecord, { force, usedBy }: RemoveOptions): void {
  const users = usedBy(image.id);
  const running = users.find((user) => user.running);
  if (running) {
    throw unableToDelete(image, 'cannot', `image is being used by running container ${shortId(running.containerId)}`);
  }
  if (force) return;
  if (referencesTo(parts, image).length > 0) {
    throw unableToDelete(image, 'must', 'image is referenced in multiple repositories');
  }
  const stopped = users[0];
  if (stopped) {
    throw unableToDelete(image, 'must', `image is being used by stopped container ${shortId(stopped.containerId)}`);
  }
}

function unableToDelete(image: ImageRecord, how: 'cannot' | 'must', why: string): EngineError {
  return conflict(`conflict: unable to delete ${shortId(image.id)} (${how} be forced) - ${why}`);
}

function referencesTo(parts: ImageParts, image: ImageRecord): Reference[] {
  return [...parts.tags.values()]
    .filter(({ imageId }) => imageId === image.id)
    .map(({ reference }) => parseReference(reference));
}

/** One tag at most, and all of one repository. */
function isSingleReference(references: readonly Reference[]): boolean {
  const repositories = new Set(references.map(({ domain, path }) => `${domain}/${path}`));
  return repositories.size <= 1 && references.filter(({ tag }) => tag !== undefined).length <= 1;
}

function untag(parts: ImageParts, image: ImageRecord, references: readonly Reference[], removed: Removed[]): void {
  for (const reference of references) {
    if (parts.tags.delete(formatCanonical(reference))) removed.push({ Untagged: formatFamiliar(reference) });
    else removed.push(...untagDigest(parts, image, reference));
  }
  for (const reference of references) dropDigests(parts, image, reference, removed);
}

/** `name@digest` names all tags of that repository that are this image. */
function untagDigest(parts: ImageParts, image: ImageRecord, { domain, path }: Reference): Removed[] {
  return referencesTo(parts, image)
    .filter((other) => other.domain === domain && other.path === path)
    .filter((other) => parts.tags.delete(formatCanonical(other)))
    .map((other) => ({ Untagged: formatFamiliar(other) }));
}

/** With a repository's last tag its digest references go too. */
function dropDigests(parts: ImageParts, image: ImageRecord, { domain, path }: Reference, removed: Removed[]): void {
  const same = referencesTo(parts, image).filter((other) => other.domain === domain && other.path === path);
  if (same.some(({ digest }) => digest === undefined)) return;
  for (const other of same) {
    if (parts.tags.delete(formatCanonical(other))) removed.push({ Untagged: formatFamiliar(other) });
  }
}
