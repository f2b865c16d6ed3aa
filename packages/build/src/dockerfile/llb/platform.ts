import type { Platform } from '@wharf/oci/platform';
import type { Platform as PbPlatform } from '../../pb/llb_pb.ts';

/** pb.Platform. */
export function encodePlatform(platform: Platform) {
  return {
    Architecture: platform.architecture,
    OS: platform.os,
    Variant: platform.variant ?? '',
    OSVersion: platform['os.version'] ?? '',
    OSFeatures: [...(platform['os.features'] ?? [])],
  };
}

export function decodePlatform(platform: PbPlatform): Platform;
export function decodePlatform(platform: PbPlatform | undefined): Platform | undefined;
/** What pb.Platform says that matters here. */
export function decodePlatform(platform: PbPlatform | undefined): Platform | undefined {
  if (!platform) return undefined;
  const { OS: os, Architecture: architecture, Variant: variant } = platform;
  return { os, architecture, ...(variant !== '' && { variant }) };
}
