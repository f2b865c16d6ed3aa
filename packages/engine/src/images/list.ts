import { booleanFilter, type Filters } from '@wharf/api/filters';
import type { ImageSummary } from '@wharf/api/image';
import type { ImageRecord } from '@wharf/store/images/image-store';
import { unixSeconds } from './history.ts';
import { countUsers, type ImageDeps } from './image-deps.ts';
import { compileImageFilters, namesShown } from './image-filters.ts';
import { summarizeManifests } from './summarize-manifests.ts';

export interface ListImagesOptions {
  readonly all: boolean;
  readonly digests: boolean;
  readonly manifests: boolean;
  readonly sharedSize: boolean;
  readonly filters: Filters;
}

/** The newest first. */
export function listImages(
  { images, containers }: Pick<ImageDeps, 'images' | 'containers'>,
  { manifests, sharedSize, filters }: ListImagesOptions,
): ImageSummary[] {
  const accepts = compileImageFilters(images, filters);
  const dangling = filters.has('dangling') ? booleanFilter(filters, 'dangling', false) : undefined;
  const all = images.images();
  const users = countUsers(containers);
  const shared = sharedSize ? sharedLayers(all) : undefined;
  return all
    .filter((image) => accepts(image) && (dangling === undefined || dangling === (image.repoTags.length === 0)))
    .map((image) => {
      const { tags, digests } = namesShown(image, filters);
      return {
        Id: image.id,
        ParentId: '',
        RepoTags: tags,
        RepoDigests: digests,
        Created: unixSeconds(image.config.created),
        Size: image.size,
        SharedSize: shared ? sharedSizeOf(image, shared) : -1,
        Labels: image.config.config?.Labels ?? null,
        Containers: users.get(image.id) ?? 0,
        Descriptor: image.target,
        ...(manifests && { Manifests: summarizeManifests(images.manifests(image.id), containers) }),
      };
    })
    .sort((a, b) => b.Created - a.Created);
}

function sharedLayers(images: readonly ImageRecord[]): Set<string> {
  const seen = new Set<string>();
  const shared = new Set<string>();
  for (const { diffIds } of images) {
    for (const diffId of new Set(diffIds)) (seen.has(diffId) ? shared : seen).add(diffId);
  }
  return shared;
}

function sharedSizeOf({ diffIds, layerSizes }: ImageRecord, shared: ReadonlySet<string>): number {
  return diffIds.reduce((total, diffId, index) => total + (shared.has(diffId) ? (layerSizes[index] ?? 0) : 0), 0);
}
