import { closeSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { median } from '../statistics.ts';

const rounds = 3;

/**
 * MB/s of uncompressed bytes that no pull to this disk passes: the slower of all processors inflating, and of the disk
 * taking the bytes as one file, until they are on it.
 */
export function pullFloor(layer: Buffer): number {
  const packed = gzipSync(layer, { level: 6 });
  const file = join(tmpdir(), `wharf-bench-floor-${process.pid}`);
  const inflate = rate(layer.length, () => void gunzipSync(packed));
  const write = rate(layer.length, () => writeSynced(file, layer));
  return Math.min(inflate * availableParallelism(), write);
}

function rate(bytes: number, body: () => void): number {
  const seconds = Array.from({ length: rounds }, () => {
    const began = performance.now();
    body();
    return (performance.now() - began) / 1000;
  });
  return bytes / 1_000_000 / median(seconds);
}

function writeSynced(path: string, bytes: Buffer): void {
  const fd = openSync(path, 'w');
  try {
    for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
    rmSync(path);
  }
}
