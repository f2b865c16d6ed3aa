import type { Descriptor } from '@wharf/oci/descriptor';
import type { Digest } from '@wharf/oci/digest';
import { formatCanonical, type Reference } from '@wharf/oci/reference';
import type { ImageParts } from './image-parts.ts';

/**
 * Records an image and its names as one commit: the moment it exists. A name that another image has moves here.
 * Content and layers must be in place.
 */
export function recordImage(parts: ImageParts, target: Descriptor, names: readonly Reference[]): Digest {
  const { database, images, tags, catalog } = parts;
  const id = target.digest;
  const now = new Date().toISOString();
  database.transaction(() => {
    const known = images.get(id);
    if (!known || names.length > 0) images.put(id, { id, target: known?.target ?? target, lastTagTime: now });
    for (const name of names) {
      const reference = formatCanonical(name);
      tags.put(reference, { reference, imageId: id });
    }
  });
  catalog.changed(id);
  return id;
}

/**
 * Notes the digest by which a repository knows an image from now on, where that is not the image's own: layers go out
 * packed. A digest that an earlier push of the same tag left behind stays: it still names this image there.
 */
export function recordPushed(parts: ImageParts, name: Reference, id: Digest, digest: Digest): void {
  if (digest === id) return;
  const { domain, path } = name;
  const reference = formatCanonical({ domain, path, digest });
  parts.tags.put(reference, { reference, imageId: id });
  parts.catalog.changed();
}
