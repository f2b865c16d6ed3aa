import type { Readable } from 'node:stream';
import type { JsonMessage } from '@wharf/api/streams/json-message';
import type { Platform } from '@wharf/oci/image-config';
import type { ImageDeps } from './image-deps.ts';

export async function loadImages(
  { images, events }: Pick<ImageDeps, 'images' | 'events'>,
  archive: Readable,
  options: { quiet: boolean; platforms: readonly Platform[]; signal: AbortSignal },
  progress: (message: JsonMessage) => void,
): Promise<void> {
  const before = new Map(images.images().map(({ id, lastTagTime }) => [id, lastTagTime]));
  await images.load(archive, options, progress);
  for (const { id, lastTagTime, repoTags } of images.images()) {
    if (before.get(id) === lastTagTime) continue;
    events.publish({ type: 'image', action: 'load', id, attributes: { name: repoTags[0] ?? id } });
  }
}
