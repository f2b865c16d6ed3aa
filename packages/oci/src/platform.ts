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

/** `linux/arm64/v8`. */
export function formatPlatform({ os, architecture, variant }: Platform): string {
  return variant ? `${os}/${architecture}/${variant}` : `${os}/${architecture}`;
}
