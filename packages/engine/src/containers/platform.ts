import { invalidArgument } from '@wharf/base/error';
import type { Platform } from '@wharf/oci/image-config';

/** `linux/arm64/v8`, `linux/amd64`, `amd64`, `linux` to a platform; what is missing is the host's. */
export function parsePlatform(text: string): Platform {
  const parts = text.toLowerCase().split('/');
  const [first = '', second, variant] = parts;
  if (parts.length > 3 || parts.some((part) => !/^[a-z0-9_.-]+$/.test(part))) {
    throw invalidArgument(`"${text}": unknown operating system or architecture: invalid argument`);
  }
  const host = process.arch === 'x64' ? 'amd64' : process.arch;
  if (second !== undefined) {
    return { os: first, architecture: architecture(second), ...(variant !== undefined && { variant }) };
  }
  return first === 'linux' ? { os: 'linux', architecture: host } : { os: 'linux', architecture: architecture(first) };
}

/** Other names people use, to Go's. */
function architecture(name: string): string {
  if (name === 'x86_64' || name === 'x86-64') return 'amd64';
  return name === 'aarch64' ? 'arm64' : name;
}
