import type { Ulimit } from '@wharf/api/container';
import type { OciRlimit, OciSpec } from '@wharf/oci/runtime-spec';

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
    return { type: `RLIMIT_${Name.toUpperCase()}`, soft: toOci(clamp(Soft, hard)), hard: toOci(hard) };
  });
}

function clamp(value: number, limit: number | undefined): number {
  if (limit === undefined || limit === -1) return value;
  return value === -1 ? limit : Math.min(value, limit);
}

/**
 * RLIM_INFINITY is 2^64-1, which no number can hold. This is the largest that JSON carries through any number of
 * parsings without overflowing what the runtime reads it into; no limit of the kernel comes near.
 */
const almostInfinity = 2 ** 64 - 2048;

function toOci(value: number): number {
  return value === -1 ? almostInfinity : value;
}

/** `config.json` as text, with unlimited limits as exactly that. */
export function serializeSpec(spec: OciSpec): string {
  const text = JSON.stringify(spec);
  return spec.process.rlimits ? text.replaceAll(almostInfinityText, '$118446744073709551615') : text;
}

/** Inside a JSON text's strings quotes are escaped: what follows a bare `"soft":` is a limit. */
const almostInfinityText = /("(?:soft|hard)":)18446744073709550000\b/g;
