import { formatPlatform, type Platform } from '@wharf/oci/platform';

/** The arguments that every build has, for FROM lines and, declared, in stages. */
export function predefinedArgs(build: Platform, target: Platform, targetStage: string): Map<string, string> {
  return new Map([
    ['BUILDPLATFORM', formatPlatform(build)],
    ['BUILDOS', build.os],
    ['BUILDOSVERSION', build['os.version'] ?? ''],
    ['BUILDARCH', build.architecture],
    ['BUILDVARIANT', build.variant ?? ''],
    ['TARGETPLATFORM', formatPlatform(target)],
    ['TARGETOS', target.os],
    ['TARGETOSVERSION', target['os.version'] ?? ''],
    ['TARGETARCH', target.architecture],
    ['TARGETVARIANT', target.variant ?? ''],
    ['TARGETSTAGE', targetStage || 'default'],
  ]);
}

const proxyFields = {
  http_proxy: 'httpProxy',
  https_proxy: 'httpsProxy',
  ftp_proxy: 'ftpProxy',
  no_proxy: 'noProxy',
  all_proxy: 'allProxy',
} as const;

/** Proxies reach every RUN, undeclared, and are no part of its cache key. */
export function proxyFromArgs(args: ReadonlyMap<string, string>) {
  const proxy: Partial<Record<(typeof proxyFields)[keyof typeof proxyFields], string>> = {};
  for (const [key, value] of args) {
    const field = proxyFields[key.toLowerCase() as keyof typeof proxyFields];
    if (field !== undefined) proxy[field] = value;
  }
  return Object.keys(proxy).length === 0 ? undefined : proxy;
}
