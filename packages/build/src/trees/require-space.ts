import { statfsSync } from 'node:fs';
import { EngineError } from '@wharf/base/error';

/** Bytes that stay free: what has no end must not fill the disk for all others. */
const reserve = 256 << 20;

export function requireSpace(path: string, what: string): void {
  const { bavail, bsize } = statfsSync(path);
  if (bavail * bsize < reserve) {
    throw new EngineError('invalid_argument', `no space left on device: ${what} would fill the disk`);
  }
}
