import type { DiskUsage } from '@wharf/api/system';
import { type ApiVersion, atLeast } from '@wharf/api/version';
import type { Query } from '../query.ts';

interface Usage {
  ActiveCount: number;
  TotalCount: number;
  Reclaimable: number;
  TotalSize: number;
  Items?: readonly object[];
}

/**
 * 1.52 sums each kind up and lists its items with `verbose`. Clients that name no `verbose` at 1.52 may not know of
 * it, so they get the old fields too.
 */
export function diskUsageFor(version: ApiVersion, usage: DiskUsage, query: Query): object {
  if (!atLeast(version, 42)) return { ...usage, BuilderSize: 0 };
  if (!atLeast(version, 52)) return usage;
  const verbose = query.boolean('verbose');
  const sums = {
    ...(usage.Images && { ImageUsage: withItems(imageUsage(usage), usage.Images, verbose) }),
    ...(usage.Containers && { ContainerUsage: withItems(containerUsage(usage), usage.Containers, verbose) }),
    ...(usage.Volumes && { VolumeUsage: withItems(volumeUsage(usage), usage.Volumes, verbose) }),
    ...(usage.BuildCache && { BuildCacheUsage: withItems(buildCacheUsage(usage), usage.BuildCache, verbose) }),
  };
  return query.has('verbose') ? sums : { ...usage, ...sums };
}

function withItems(sums: Usage, items: readonly object[], verbose: boolean): Usage {
  return verbose ? { ...sums, Items: items } : sums;
}

function imageUsage({ Images = [], LayersSize = 0 }: DiskUsage): Usage {
  const active = Images.filter((image) => image.Containers > 0);
  const used = total(active.map((image) => image.Size - Math.max(image.SharedSize, 0)));
  return {
    ActiveCount: active.length,
    TotalCount: Images.length,
    Reclaimable: Math.max(LayersSize - used, 0),
    TotalSize: LayersSize,
  };
}

function containerUsage({ Containers = [] }: DiskUsage): Usage {
  const active = Containers.filter(({ State }) => State === 'running' || State === 'paused' || State === 'restarting');
  const size = total(Containers.map(({ SizeRw = 0 }) => SizeRw));
  return {
    ActiveCount: active.length,
    TotalCount: Containers.length,
    Reclaimable: size - total(active.map(({ SizeRw = 0 }) => SizeRw)),
    TotalSize: size,
  };
}

function volumeUsage({ Volumes = [] }: DiskUsage): Usage {
  const known = Volumes.filter(({ UsageData }) => UsageData && UsageData.Size >= 0);
  const active = known.filter(({ UsageData }) => UsageData!.RefCount > 0);
  const size = total(known.map(({ UsageData }) => UsageData!.Size));
  return {
    ActiveCount: active.length,
    TotalCount: Volumes.length,
    Reclaimable: size - total(active.map(({ UsageData }) => UsageData!.Size)),
    TotalSize: size,
  };
}

function buildCacheUsage({ BuildCache = [] }: DiskUsage): Usage {
  const active = BuildCache.filter(({ InUse }) => InUse);
  const own = BuildCache.filter(({ Shared }) => !Shared);
  return {
    ActiveCount: active.length,
    TotalCount: BuildCache.length,
    Reclaimable: total(own.filter(({ InUse }) => !InUse).map(({ Size }) => Size)),
    TotalSize: total(own.map(({ Size }) => Size)),
  };
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}
