import { invalidArgument } from '@wharf/base/error';
import { hostPlatform, normalizePlatform, type Platform } from '@wharf/oci/platform';

const part = /^[A-Za-z0-9_.-]+$/;
const systems = new Set([
  'linux',
  'windows',
  'darwin',
  'freebsd',
  'wasip1',
  'js',
  'netbsd',
  'openbsd',
  'solaris',
  'aix',
]);

/** `linux/arm64/v8`, `arm64`, `linux`: as containerd's platforms.Parse. */
export function parsePlatform(text: string): Platform {
  const parts = text.split('/');
  for (const piece of parts) {
    if (!part.test(piece)) {
      throw invalidArgument(
        `"${text}" is an invalid component of "${text}": platform specifier component must match "^[A-Za-z0-9_-]+$": invalid argument`,
      );
    }
  }
  const host = hostPlatform();
  const [first = '', second, third, ...more] = parts;
  if (more.length > 0) throw invalidArgument(`"${text}": cannot parse platform specifier: invalid argument`);
  if (second !== undefined) {
    return normalizePlatform({ os: first, architecture: second, ...(third ? { variant: third } : {}) });
  }
  if (systems.has(first.toLowerCase())) {
    const { variant } = host;
    return normalizePlatform({ os: first, architecture: host.architecture, ...(variant ? { variant } : {}) });
  }
  const named = normalizePlatform({ os: host.os, architecture: first });
  if (!architectures.has(named.architecture)) {
    throw invalidArgument(`"${text}": unknown operating system or architecture: invalid argument`);
  }
  return named;
}

const architectures = new Set([
  '386',
  'amd64',
  'arm',
  'arm64',
  'loong64',
  'mips',
  'mips64',
  'mips64le',
  'mipsle',
  'ppc64',
  'ppc64le',
  'riscv64',
  's390x',
  'wasm',
]);
