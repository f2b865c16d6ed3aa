import type { Transform } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';

/** How the blobs of layers are kept: image-spec has no media types for others. */
export type Compression = 'none' | 'gzip' | 'zstd';

/** Of archives that people make themselves. */
export type StreamCompression = 'gzip' | 'zstd' | 'bzip2' | 'xz';

/** By the first bytes. */
export function detectCompression(start: Buffer): 'none' | StreamCompression {
  if (start[0] === 0x1f && start[1] === 0x8b) return 'gzip';
  if (start.length >= 4 && start.readUInt32LE(0) === 0xfd2fb528) return 'zstd';
  // zstd's skippable frames
  if (start.length >= 4 && (start.readUInt32LE(0) & 0xfffffff0) >>> 0 === 0x184d2a50) return 'zstd';
  if (start.toString('latin1', 0, 3) === 'BZh') return 'bzip2';
  if (start.toString('latin1', 0, 6) === '\xfd7zXZ\0') return 'xz';
  return 'none';
}

/** A stream that inflates. Large chunks: a third faster than the default. */
export function createInflater(compression: 'gzip' | 'zstd'): Transform {
  const chunkSize = 1 << 20;
  return compression === 'gzip' ? createGunzip({ chunkSize }) : createZstdDecompress({ chunkSize });
}
