import type { Platform } from '@wharf/oci/platform';

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
