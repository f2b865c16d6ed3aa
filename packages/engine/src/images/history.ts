import type { ImageHistoryItem } from '@wharf/api/image';
import type { Platform } from '@wharf/oci/image-config';
import type { ImageDeps } from './image-deps.ts';

/** The steps that made an image, the last first. Only the last has an id: that of the image. */
export function imageHistory(
  { images }: Pick<ImageDeps, 'images'>,
  name: string,
  platform: Platform | undefined,
): ImageHistoryItem[] {
  const image = images.resolve(name, platform);
  const sizes = image.layerSizes.values();
  const items = (image.config.history ?? []).map((entry) => ({
    Id: '<missing>',
    Created: unixSeconds(entry.created),
    CreatedBy: entry.created_by ?? '',
    Tags: null as string[] | null,
    Size: entry.empty_layer ? 0 : (sizes.next().value ?? 0),
    Comment: entry.comment ?? '',
  }));
  items.reverse();
  const newest = items[0];
  if (newest) items[0] = { ...newest, Id: image.id, Tags: image.repoTags.length > 0 ? [...image.repoTags] : null };
  return items;
}

export function unixSeconds(time: string | undefined): number {
  const milliseconds = time === undefined ? Number.NaN : Date.parse(time);
  return Number.isNaN(milliseconds) ? 0 : Math.floor(milliseconds / 1000);
}
