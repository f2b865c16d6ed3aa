import { type Prefix, parsePrefix, prefixOf, prefixSize } from '../address.ts';

/** A region that is cut into subnets of one size, as daemon.json's default-address-pools. */
export interface PoolRegion {
  readonly base: Prefix;
  /** Prefix length of each subnet. */
  readonly size: number;
}

function region(base: string, size: number): PoolRegion {
  return { base: parsePrefix(base)!, size };
}

/** 172.17.0.0/16 is left to the default bridge. */
export const defaultRegions: readonly PoolRegion[] = [
  region('172.18.0.0/15', 24),
  region('172.20.0.0/14', 24),
  region('172.24.0.0/13', 24),
  region('192.168.0.0/16', 24),
  region('10.0.0.0/8', 24),
];

/** The default bridge is the largest network of most hosts. */
export const defaultBridgeRegions: readonly PoolRegion[] = [
  region('172.17.0.0/16', 16),
  region('172.18.0.0/15', 16),
  region('172.20.0.0/14', 16),
  region('172.24.0.0/13', 16),
  region('10.0.0.0/8', 16),
  ...defaultRegions,
];

/** The first subnet of the regions that overlaps none of `taken`; undefined when there is none left. */
export function choosePool(regions: readonly PoolRegion[], taken: readonly Prefix[]): Prefix | undefined {
  const obstacles = { 4: sortedRanges(taken, 4), 6: sortedRanges(taken, 6) };
  for (const { base, size } of regions) {
    const first = prefixOf({ family: base.family, value: base.base }, size);
    const step = prefixSize(first);
    const candidate = firstGap(first.base, step, obstacles[base.family]);
    if (candidate + step <= base.base + prefixSize(base)) return { ...first, base: candidate };
  }
  return undefined;
}

interface Range {
  readonly from: bigint;
  /** Behind the last. */
  readonly to: bigint;
}

function sortedRanges(prefixes: readonly Prefix[], family: 4 | 6): Range[] {
  return prefixes
    .filter((prefix) => prefix.family === family)
    .map((prefix) => ({ from: prefix.base, to: prefix.base + prefixSize(prefix) }))
    .sort((a, b) => (a.from < b.from ? -1 : a.from > b.from ? 1 : 0));
}

/** Ranges are sorted by where they begin: what does not reach the candidate yet cannot reach it later. */
function firstGap(start: bigint, step: bigint, ranges: readonly Range[]): bigint {
  let candidate = start;
  for (const { from, to } of ranges) {
    if (to <= candidate) continue;
    if (from >= candidate + step) break;
    candidate = ((to + step - 1n) / step) * step;
  }
  return candidate;
}
