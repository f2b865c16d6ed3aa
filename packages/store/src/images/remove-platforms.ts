import { conflict, notFound } from '@wharf/base/error';
import { shortId } from '@wharf/base/id';
import type { Digest } from '@wharf/oci/digest';
import { isIndexType } from '@wharf/oci/media-type';
import { formatPlatform, matchesPlatform, type Platform } from '@wharf/oci/platform';
import { findImage } from './find-image.ts';
import type { PlatformImage } from './image-catalog.ts';
import type { ImageParts } from './image-parts.ts';
import type { ImageStore } from './image-store.ts';
import { listManifests } from './list-manifests.ts';
import { removeImage } from './remove-image.ts';

type Options = Parameters<ImageStore['removePlatforms']>[1];

/** Removes single platforms of an image for several; the last of them takes the image with it. */
export function removePlatforms(parts: ImageParts, nameOrId: string, options: Options) {
  const { platforms, force, usedBy } = options;
  const { id } = findImage(parts, nameOrId);
  const image = parts.images.get(id)!;
  const here = parts.catalog.platforms(image);
  const chosen = platforms.map((platform) => choose(here, platform));
  const digests = new Set(chosen.map(({ descriptor }) => descriptor.digest));
  for (const digest of digests) requireUnused(id, usedBy(digest), force);
  const isAll = here.every(({ descriptor }) => digests.has(descriptor.digest));
  if (isAll || !isIndexType(image.target.mediaType)) {
    return removeImage(parts, id, { force: true, prune: true, usedBy: () => [] });
  }
  const others = namedElsewhere(parts, id);
  for (const digest of digests) if (!others.has(digest)) parts.content.remove(digest);
  parts.catalog.changed(id);
  return [...digests].map((digest) => ({ Deleted: digest }));
}

function choose(here: readonly PlatformImage[], platform: Platform): PlatformImage {
  const found = here.find(({ config }) => matchesPlatform(platform, config));
  if (!found) throw notFound(`no suitable export target found for platform ${formatPlatform(platform)}`);
  return found;
}

function requireUnused(id: Digest, users: ReturnType<Options['usedBy']>, force: boolean): void {
  const user = users.find(({ running }) => running) ?? users[0];
  if (!user || (force && !user.running)) return;
  const how = user.running ? 'cannot' : 'must';
  const state = user.running ? 'running' : 'stopped';
  throw conflict(
    `conflict: unable to delete ${shortId(id)} (${how} be forced) - image is being used by ${state} container ${shortId(user.containerId)}`,
  );
}

/** Manifests that other images need, too. */
function namedElsewhere(parts: ImageParts, id: Digest): Set<Digest> {
  const others = [...parts.images.values()].filter((image) => image.id !== id);
  return new Set(others.flatMap((image) => listManifests(parts, image).map(({ descriptor }) => descriptor.digest)));
}
