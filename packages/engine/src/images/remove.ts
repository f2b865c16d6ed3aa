import type { ImageDeleteItem } from '@wharf/api/image';
import { notImplemented } from '@wharf/base/error';
import type { Platform } from '@wharf/oci/image-config';
import { type ImageDeps, imagesOf } from './image-deps.ts';

const up = ['running', 'paused', 'restarting'];

export async function removeImage(
  { images, containers, events }: Pick<ImageDeps, 'images' | 'containers' | 'events'>,
  name: string,
  { force, noprune, platforms }: { force: boolean; noprune: boolean; platforms: readonly Platform[] },
): Promise<ImageDeleteItem[]> {
  if (platforms.length > 0) throw notImplemented('removing single platforms of an image');
  const { id } = images.resolve(name);
  const items = await images.remove(name, {
    force,
    prune: !noprune,
    usedBy: (imageId) =>
      [...containers.values()]
        .filter((container) => imagesOf(container).has(imageId))
        .map((container) => ({ containerId: container.id, running: up.includes(container.state.status) })),
  });
  for (const item of items) {
    if ('Untagged' in item) events.publish({ type: 'image', action: 'untag', id, attributes: { name: item.Untagged } });
    else if (item.Deleted === id) events.publish({ type: 'image', action: 'delete', id, attributes: { name: id } });
  }
  return [...items];
}
