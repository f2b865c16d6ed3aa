import type { ImageDeleteItem } from '@wharf/api/image';
import { isErrorCode } from '@wharf/base/error';
import type { Cli } from '../cli.ts';
import { filtersQuery } from '../flags/key-values.ts';
import { humanSize } from '../format/units.ts';

/** What one kind of pruning removed. */
export interface Pruned {
  readonly title: string;
  readonly lines: readonly string[];
  /** Bytes; undefined for what takes no space. */
  readonly reclaimed?: number;
}

interface PruneResponse {
  readonly SpaceReclaimed?: number;
  readonly ContainersDeleted?: readonly string[] | null;
  readonly ImagesDeleted?: readonly ImageDeleteItem[] | null;
  readonly NetworksDeleted?: readonly string[] | null;
  readonly VolumesDeleted?: readonly string[] | null;
  readonly CachesDeleted?: readonly string[] | null;
}

export async function pruneContainers(cli: Cli, filters: readonly string[]): Promise<Pruned> {
  const { ContainersDeleted, SpaceReclaimed } = await prune(cli, '/containers/prune', filters);
  return { title: 'Deleted Containers:', lines: ContainersDeleted ?? [], reclaimed: SpaceReclaimed ?? 0 };
}

export async function pruneNetworks(cli: Cli, filters: readonly string[]): Promise<Pruned> {
  const { NetworksDeleted } = await prune(cli, '/networks/prune', filters);
  return { title: 'Deleted Networks:', lines: NetworksDeleted ?? [] };
}

export async function pruneVolumes(cli: Cli, filters: readonly string[], all: boolean): Promise<Pruned> {
  const more = all ? ['all=true'] : [];
  const { VolumesDeleted, SpaceReclaimed } = await prune(cli, '/volumes/prune', [...filters, ...more]);
  return { title: 'Deleted Volumes:', lines: VolumesDeleted ?? [], reclaimed: SpaceReclaimed ?? 0 };
}

export async function pruneImages(cli: Cli, filters: readonly string[], all: boolean): Promise<Pruned> {
  const { ImagesDeleted, SpaceReclaimed } = await prune(cli, '/images/prune', [...filters, `dangling=${!all}`]);
  const lines = (ImagesDeleted ?? []).map((item) =>
    'Untagged' in item && item.Untagged
      ? `untagged: ${item.Untagged}`
      : `deleted: ${'Deleted' in item ? item.Deleted : ''}`,
  );
  return { title: 'Deleted Images:', lines, reclaimed: SpaceReclaimed ?? 0 };
}

/** Undefined where the daemon has no build cache. */
export async function pruneBuildCache(cli: Cli, filters: readonly string[], all: boolean): Promise<Pruned | undefined> {
  try {
    const { CachesDeleted, SpaceReclaimed } = await prune(cli, '/build/prune', filters, { all: all || undefined });
    return { title: 'Deleted build cache objects:', lines: CachesDeleted ?? [], reclaimed: SpaceReclaimed ?? 0 };
  } catch (error) {
    if (isErrorCode(error, 'not_implemented') || isErrorCode(error, 'not_found')) return undefined;
    throw error;
  }
}

async function prune(
  cli: Cli,
  path: string,
  filters: readonly string[],
  query: Record<string, boolean | undefined> = {},
): Promise<PruneResponse> {
  const client = await cli.client();
  const configured = (await cli.config()).pruneFilters ?? [];
  return client.json<PruneResponse>('POST', path, {
    query: { ...query, filters: filtersQuery([...configured, ...filters]) },
  });
}

export function reportPruned(cli: Cli, pruned: readonly Pruned[]): void {
  for (const { title, lines } of pruned) {
    if (lines.length > 0) cli.out.print(`${[title, ...lines].join('\n')}\n\n`);
  }
  const sizes = pruned.filter(({ reclaimed }) => reclaimed !== undefined);
  if (sizes.length === 0) return;
  const total = sizes.reduce((sum, { reclaimed = 0 }) => sum + reclaimed, 0);
  cli.out.print(`Total reclaimed space: ${humanSize(total)}\n`);
}
