import { type Prefix, parsePrefix, prefixesOverlap, prefixOf, prefixSize } from '../address.ts';

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
  for (const { base, size } of regions) {
    const end = base.base + prefixSize(base);
    const nearby = taken.filter((prefix) => prefixesOverlap(prefix, base));
    let candidate = prefixOf({ family: base.family, value: base.base }, size);
    while (candidate.base < end) {
      const step = prefixSize(candidate);
      const obstacles = nearby.filter((prefix) => prefixesOverlap(prefix, candidate));
      if (obstacles.length === 0) return candidate;
      let next = candidate.base + step;
      for (const obstacle of obstacles) {
        const behind = obstacle.base + prefixSize(obstacle);
        const aligned = ((behind + step - 1n) / step) * step;
        if (aligned > next) next = aligned;
      }
      candidate = { ...candidate, base: next };
    }
  }
  return undefined;
}
