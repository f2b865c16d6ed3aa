import { createHash, type Hash } from 'node:crypto';
import { RegistryError } from './error.ts';

/** `sha256:<64 hex digits>` or `sha512:<128 hex digits>`: what image-spec registers. */
export type ContentDigest = string;
export type DigestAlgorithm = 'sha256' | 'sha512';

const pattern = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;

export function isContentDigest(text: string): boolean {
  return pattern.test(text);
}

export function parseContentDigest(text: string): ContentDigest {
  if (!pattern.test(text)) {
    const known = /^sha(256|512):/.test(text);
    const message = known ? 'invalid digest' : 'unsupported digest: sha256 and sha512 are known';
    throw new RegistryError('DIGEST_INVALID', message, { detail: text.slice(0, 200) });
  }
  return text;
}

export function parseDigestAlgorithm(text: string): DigestAlgorithm {
  if (text !== 'sha256' && text !== 'sha512') {
    throw new RegistryError('DIGEST_INVALID', 'unsupported digest algorithm: sha256 and sha512 are known');
  }
  return text;
}

export function algorithmOf(digest: ContentDigest): DigestAlgorithm {
  return digest.startsWith('sha512:') ? 'sha512' : 'sha256';
}

export function hexOf(digest: ContentDigest): string {
  return digest.slice('sha256:'.length);
}

export function digestBytes(bytes: Uint8Array, algorithm: DigestAlgorithm = 'sha256'): ContentDigest {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
}

export function startHash(algorithm: DigestAlgorithm): Hash {
  return createHash(algorithm);
}
