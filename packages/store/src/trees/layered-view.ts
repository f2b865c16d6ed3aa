import { type BigIntStats, closeSync, lstatSync, openSync, readdirSync } from 'node:fs';
import { openFlags } from '@wharf/sys/safe-path';
import { cString } from '@wharf/sys/syscall';
import { getXattrAt } from '@wharf/sys/xattr';

/** One directory: where it is in an overlay's upper directory, and in each lower layer that is seen through it. */
export interface Place {
  readonly upper: Buffer;
  /** Top to bottom. */
  readonly lowers: readonly Buffer[];
}

export interface Found {
  readonly stat: BigIntStats;
}

const slash = Buffer.from('/');

/** What the lower layers show under this name. */
export function findBelow(lowers: readonly Buffer[], name: Buffer): Found | undefined {
  for (const lower of lowers) {
    const stat = statOf(joinBytes(lower, name));
    if (stat) return isWhiteout(stat) ? undefined : { stat };
    if (isOpaque(lower)) return undefined;
  }
  return undefined;
}

/** The layers' directories of this name that are merged. */
export function mergedBelow(lowers: readonly Buffer[], name: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (const lower of lowers) {
    const path = joinBytes(lower, name);
    const stat = statOf(path);
    if (stat && !stat.isDirectory()) break;
    if (stat) found.push(path);
    if ((stat && isOpaque(path)) || isOpaque(lower)) break;
  }
  return found;
}

// overlayfs.rst: a character device 0/0
export function isWhiteout(stat: BigIntStats): boolean {
  return stat.isCharacterDevice() && stat.rdev === 0n;
}

export function isOpaque(directory: Buffer): boolean {
  const fd = openSync(directory, openFlags.O_PATH | openFlags.O_DIRECTORY);
  try {
    return getXattrAt(fd, cString('.'), cString('trusted.overlay.opaque'))?.toString() === 'y';
  } finally {
    closeSync(fd);
  }
}

export function statOf(path: Buffer): BigIntStats | undefined {
  return lstatSync(path, { bigint: true, throwIfNoEntry: false });
}

export function namesIn(directory: Buffer): Buffer[] {
  return readdirSync(directory, { encoding: 'buffer' }).sort(Buffer.compare);
}

export function joinBytes(directory: Buffer, name: Buffer): Buffer {
  return Buffer.concat([directory, slash, name]);
}
