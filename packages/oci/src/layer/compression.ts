import type { Transform } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { EngineError } from '@wharf/base/error';

export type Compression = 'none' | 'gzip' | 'zstd';

/** Bytes that `detectCompression` wants to see. */
export const compressionMagicLength = 6;

/** By the first bytes. Throws not_implemented for bzip2 and xz, which the engine does not unpack. */
export function detectCompression(start: Buffer): Compression {
  if (start[0] === 0x1f && start[1] === 0x8b) return 'gzip';
  if (start.length >= 4 && start.readUInt32LE(0) === 0xfd2fb528) return 'zstd';
  // zstd's skippable frames
  if (start.length >= 4 && (start.readUInt32LE(0) & 0xfffffff0) >>> 0 === 0x184d2a50) return 'zstd';
  if (start.toString('latin1', 0, 3) === 'BZh') throw unsupported('bzip2');
  if (start.toString('latin1', 0, 6) === '\xfd7zXZ\0') throw unsupported('xz');
  return 'none';
}

function unsupported(name: string): EngineError {
  return new EngineError(
    'not_implemented',
    `Unable to unpack the archive: ${name} compression is not supported, use gzip, zstd or none`,
  );
}

/** A stream that inflates. Large chunks: a third faster than the default. */
export function createDecompressor(compression: Exclude<Compression, 'none'>): Transform {
  const chunkSize = 1 << 20;
  return compression === 'gzip' ? createGunzip({ chunkSize }) : createZstdDecompress({ chunkSize });
}
