import type { Ulimit } from '@wharf/api/container';
import type { OciRlimit } from '@wharf/oci/runtime-spec';

/** This host's hard limits by ulimit name; -1 is unlimited. */
export type HardLimits = Readonly<Record<string, number>>;

/**
 * The daemon's defaults overridden by the container's own, by name. With `ceiling` (an engine without
 * CAP_SYS_RESOURCE) values above the engine's own hard limits are lowered to them: the kernel would refuse them.
 */
export function createRlimits(
  defaults: readonly Ulimit[],
  own: readonly Ulimit[] | null,
  ceiling: HardLimits | undefined,
): OciRlimit[] {
  const merged = new Map<string, Ulimit>();
  for (const ulimit of [...(own ?? []), ...defaults]) {
    if (!merged.has(ulimit.Name)) merged.set(ulimit.Name, ulimit);
  }
  return [...merged.values()].map(({ Name, Soft, Hard }) => {
    const hard = clamp(Hard, ceiling?.[Name]);
    return { type: `RLIMIT_${Name.toUpperCase()}`, soft: clamp(Soft, hard), hard };
  });
}

function clamp(value: number, limit: number | undefined): number {
  if (limit === undefined || limit === -1) return value;
  return value === -1 ? limit : Math.min(value, limit);
}
