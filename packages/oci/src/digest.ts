import { invalidArgument } from '@wharf/base/error';

/** `sha256:<64 hex digits>`. The engine computes and accepts sha256 only. */
export type Digest = string;

const pattern = /^sha256:[0-9a-f]{64}$/;

export function isDigest(text: string): boolean {
  return pattern.test(text);
}

/** Throws invalid_argument `invalid checksum digest format` for anything but a whole sha256 digest. */
export function parseDigest(text: string): Digest {
  const algorithm = /^([A-Za-z0-9_+.-]+):/.exec(text)?.[1];
  if (!algorithm) throw invalidArgument('invalid checksum digest format');
  if (algorithm !== 'sha256') throw invalidArgument('unsupported digest algorithm');
  if (!pattern.test(text)) throw invalidArgument('invalid checksum digest length');
  return text;
}

/** The 64 hexadecimal digits after the algorithm. */
export function digestHex(digest: Digest): string {
  return digest.slice('sha256:'.length);
}
