import type { Readable } from 'node:stream';
import type { Platform } from '@wharf/oci/image-config';
import type { ImageDeps } from './image-deps.ts';

/** The images as one archive: OCI layout and docker-archive at once. */
export async function saveImages(
  { images, events }: Pick<ImageDeps, 'images' | 'events'>,
  names: readonly string[],
  options: { platforms: readonly Platform[]; signal: AbortSignal },
): Promise<Readable> {
  const archive = await images.save(names, options);
  for (const name of names) {
    const image = images.images().find(({ repoTags, id }) => repoTags.includes(name) || id === name);
    if (image) events.publish({ type: 'image', action: 'save', id: image.id, attributes: { name } });
  }
  return archive;
}
