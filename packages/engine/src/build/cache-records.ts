import type { BuildCacheRecord } from '@wharf/api/system';
import type { BuildCache } from '@wharf/build/solver/build-cache';
import type { CacheMounts } from '@wharf/build/solver/cache-mounts';
import type { ImageStore } from '@wharf/store/images/image-store';

export interface HeldCache {
  readonly cache: BuildCache;
  readonly cacheMounts: CacheMounts;
  readonly images: Pick<ImageStore, 'images' | 'collectGarbage'>;
  /** Steps that are under way, by key. */
  readonly running: ReadonlyMap<string, unknown>;
}

/** What builds keep, as `docker system df -v` lists it: layers of steps, and directories of cache mounts. */
export async function cacheRecords({ cache, cacheMounts, images, running }: HeldCache): Promise<BuildCacheRecord[]> {
  const ofImages = new Set(images.images().flatMap(({ diffIds }) => diffIds));
  const steps = [...cache.entries()].map(([key, { layer, description, size, ...times }]) => ({
    ID: key,
    Type: 'regular',
    Description: description,
    InUse: running.has(key),
    Shared: ofImages.has(layer),
    Size: size,
    ...usage(times),
  }));
  const mounts = await Promise.all(
    [...cacheMounts.entries()].map(async ([name, { id, ...times }]) => ({
      ID: name,
      Type: 'exec.cachemount',
      Description: `cached mount ${id}`,
      InUse: cacheMounts.isHeld(name),
      Shared: false,
      Size: await cacheMounts.usage(name),
      ...usage(times),
    })),
  );
  return [...steps, ...mounts];
}

function usage({ createdAt, lastUsedAt, usageCount }: { createdAt: number; lastUsedAt: number; usageCount: number }) {
  return {
    CreatedAt: new Date(createdAt).toISOString(),
    LastUsedAt: new Date(lastUsedAt).toISOString(),
    UsageCount: usageCount,
  };
}
