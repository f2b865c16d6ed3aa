import { booleanFilter, type Filters } from '@wharf/api/filters';
import type { ImageDeleteItem } from '@wharf/api/image';
import { conflict } from '@wharf/base/error';
import type { ImageStore } from '@wharf/store/images/image-store';
import { countUsers, type ImageDeps } from './image-deps.ts';
import { compileImageFilters } from './image-filters.ts';
import { removeImage } from './remove.ts';

/** Removes images without a name; with `dangling=false` all that no container uses. One prune at a time. */
export async function pruneImages(
  deps: ImageDeps,
  filters: Filters,
): Promise<{ ImagesDeleted: ImageDeleteItem[] | null; SpaceReclaimed: number }> {
  const { images, events, locks, logger } = deps;
  const accepts = compileImageFilters(images, filters, ['dangling', 'label', 'label!', 'until']);
  const danglingOnly = booleanFilter(filters, 'dangling', true);
  const lock = 'prune images';
  if (locks.isHeld(lock)) throw conflict('a prune operation is already running');
  return locks.run(lock, async () => {
    const before = layerBytes(images);
    const used = countUsers(deps.containers);
    const candidates = images
      .images()
      .filter((image) => !used.has(image.id) && accepts(image) && (!danglingOnly || image.repoTags.length === 0));
    const deleted: ImageDeleteItem[] = [];
    for (const { id, repoTags } of candidates) {
      try {
        for (const name of repoTags.length > 0 ? repoTags : [id]) {
          deleted.push(...(await removeImage(deps, name, { force: false, noprune: false, platforms: [] })));
        }
      } catch (error) {
        logger.warn('pruning an image', { image: id, error });
      }
    }
    const reclaimed = before - layerBytes(images);
    events.publish({ type: 'image', action: 'prune', id: '', attributes: { reclaimed: String(reclaimed) } });
    return { ImagesDeleted: deleted.length === 0 ? null : deleted, SpaceReclaimed: reclaimed };
  });
}

/** Bytes of all layers, each counted once. */
function layerBytes(images: ImageStore): number {
  const sizes = new Map<string, number>();
  for (const { diffIds, layerSizes } of images.images()) {
    for (const [index, diffId] of diffIds.entries()) sizes.set(diffId, layerSizes[index] ?? 0);
  }
  return [...sizes.values()].reduce((total, size) => total + size, 0);
}
