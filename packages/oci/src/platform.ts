/** What an image runs on. image-spec/image-index.md#image-index-property-descriptions */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
  readonly 'os.version'?: string;
  readonly 'os.features'?: readonly string[];
}

/** The one of the process, in Go's spelling. */
export function hostPlatform(arch: string = process.arch): Platform {
  const architectures: Record<string, Platform> = {
    x64: { os: 'linux', architecture: 'amd64' },
    arm64: { os: 'linux', architecture: 'arm64', variant: 'v8' },
  };
  return architectures[arch] ?? { os: 'linux', architecture: arch };
}

/** Other spellings of the same, as containerd's platforms.Normalize. */
export function normalizePlatform({ os, architecture, variant, ...rest }: Platform): Platform {
  const lower = architecture.toLowerCase();
  const names: Record<string, { architecture: string; variant?: string }> = {
    i386: { architecture: '386' },
    x86_64: { architecture: 'amd64' },
    'x86-64': { architecture: 'amd64' },
    aarch64: { architecture: 'arm64' },
    armhf: { architecture: 'arm', variant: 'v7' },
    armel: { architecture: 'arm', variant: 'v6' },
  };
  const named = names[lower] ?? { architecture: lower };
  let wanted = named.variant ?? variant?.toLowerCase();
  if (named.architecture === 'arm64' && (wanted === '8' || wanted === 'v8')) wanted = undefined;
  if (named.architecture === 'amd64' && wanted === 'v1') wanted = undefined;
  if (named.architecture === 'arm' && !wanted) wanted = 'v7';
  const base = { os: os.toLowerCase() === 'macos' ? 'darwin' : os.toLowerCase(), architecture: named.architecture };
  return { ...rest, ...base, ...(wanted ? { variant: wanted } : {}) };
}

/** True where something built for `offered` is what `wanted` asks for; a missing variant in `wanted` takes any. */
export function matchesPlatform(wanted: Platform, offered: Platform): boolean {
  const a = normalizePlatform(wanted);
  const b = normalizePlatform(offered);
  return a.os === b.os && a.architecture === b.architecture && (a.variant === undefined || a.variant === b.variant);
}

/**
 * The best of what is offered, as containerd chooses: the same variant, then the next lower one, then any; for
 * `anyThatRuns` also 32-bit programs of the same family.
 */
export function choosePlatform<T>(
  offered: readonly T[],
  platformOf: (item: T) => Platform,
  { wanted, anyThatRuns }: { wanted: Platform; anyThatRuns: boolean },
): T | undefined {
  let best: { item: T; rank: number } | undefined;
  for (const item of offered) {
    const rank = platformRank(normalizePlatform(wanted), normalizePlatform(platformOf(item)), anyThatRuns);
    if (rank !== undefined && (!best || rank < best.rank)) best = { item, rank };
  }
  return best?.item;
}

const smallerArchitectures: Readonly<Record<string, string>> = { amd64: '386', arm64: 'arm' };

function platformRank(wanted: Platform, offered: Platform, anyThatRuns: boolean): number | undefined {
  if (wanted.os !== offered.os) return undefined;
  if (wanted.architecture !== offered.architecture) {
    const isSmaller = anyThatRuns && smallerArchitectures[wanted.architecture] === offered.architecture;
    return isSmaller ? 1000 - variantNumber(offered) : undefined;
  }
  if (wanted.variant === offered.variant) return 0;
  if (wanted.variant === undefined) return 100 + variantNumber(offered);
  const step = variantNumber(wanted) - variantNumber(offered);
  return step > 0 && offered.architecture === 'arm' ? step : undefined;
}

function variantNumber({ variant }: Platform): number {
  return Number(/^v(\d+)/.exec(variant ?? 'v1')?.[1] ?? 0);
}

/** `linux/arm64/v8`. */
export function formatPlatform({ os, architecture, variant }: Platform): string {
  return variant ? `${os}/${architecture}/${variant}` : `${os}/${architecture}`;
}
