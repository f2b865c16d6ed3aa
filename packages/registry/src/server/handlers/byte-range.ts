import { RegistryError } from '../error.ts';
import type { ByteRange } from '../storage/object-store.ts';

/**
 * The part that a Range header asks for; undefined for the whole, which also answers several ranges at once and units
 * nobody knows. RFC 9110 section 14.2. Throws 416 for one that begins after the end.
 */
export function parseByteRange(header: string | undefined, size: number): ByteRange | undefined {
  const match = /^bytes=(?:(\d{1,15})-(\d{0,15})|-(\d{1,15}))$/i.exec(header?.trim() ?? '');
  if (!match) return undefined;
  const [, first, last, suffix] = match;
  if (suffix !== undefined) {
    if (Number(suffix) === 0 || size === 0) throw unsatisfiable(size);
    return { start: Math.max(0, size - Number(suffix)), end: size };
  }
  const start = Number(first);
  const end = last === '' ? size : Number(last) + 1;
  if (last !== '' && end <= start) return undefined;
  if (start >= size) throw unsatisfiable(size);
  return { start, end: Math.min(end, size) };
}

function unsatisfiable(size: number): RegistryError {
  return new RegistryError('SIZE_INVALID', 'the range begins after the end of the blob', {
    status: 416,
    headers: { 'Content-Range': `bytes */${size}` },
  });
}
