import type { ImageDeleteItem } from '@wharf/api/image';
import type { Platform } from '@wharf/oci/image-config';
import { type ImageDeps, type ImageUser, imagesOf } from './image-deps.ts';

const up = ['running', 'paused', 'restarting'];

export async function removeImage(
  { images, containers, events }: Pick<ImageDeps, 'images' | 'containers' | 'events'>,
  name: string,
  { force, noprune, platforms }: { force: boolean; noprune: boolean; platforms: readonly Platform[] },
): Promise<ImageDeleteItem[]> {
  const { id } = images.resolve(name);
  if (platforms.length > 0) {
    const usedBy = (manifest: string) =>
      [...containers.values()].filter(({ image }) => image.manifest.digest === manifest).map(userOf);
    return [...(await images.removePlatforms(name, { platforms, force, usedBy }))];
  }
  const items = await images.remove(name, {
    force,
    prune: !noprune,
    usedBy: (imageId) => [...containers.values()].filter((container) => imagesOf(container).has(imageId)).map(userOf),
  });
  for (const item of items) {
    if ('Untagged' in item) events.publish({ type: 'image', action: 'untag', id, attributes: { name: item.Untagged } });
    else if (item.Deleted === id) events.publish({ type: 'image', action: 'delete', id, attributes: { name: id } });
  }
  return [...items];
}

function userOf({ id, state }: ImageUser): { containerId: string; running: boolean } {
  return { containerId: id, running: up.includes(state.status) };
}
