import { type BigIntStats, closeSync, lstatSync, openSync, readdirSync } from 'node:fs';
import { openFlags } from '@wharf/sys/safe-path';
import { cString } from '@wharf/sys/syscall';
import { getXattrAt } from '@wharf/sys/xattr';

/** `docker diff`: 0 modified, 1 added, 2 deleted. */
export interface FileChange {
  readonly Path: string;
  readonly Kind: 0 | 1 | 2;
}

const slash = Buffer.from('/');

/** What Docker makes before a container's first start, and so counts as no change; the runtime makes ours. */
const placeholders = new Set([
  '/.dockerenv',
  '/dev',
  '/dev/console',
  '/dev/mqueue',
  '/dev/pts',
  '/dev/shm',
  '/etc',
  '/etc/hostname',
  '/etc/hosts',
  '/etc/mtab',
  '/etc/resolv.conf',
  '/proc',
  '/run/secrets',
  '/sys',
]);

/**
 * What an overlay's upper directory changes of the lower ones (top to bottom), in the order of a walk, a directory
 * before what is in it: also a directory that only something below it changes. Everything that is copied up without
 * being changed is left out. The lower directories are immutable; the upper one may change meanwhile.
 */
export function treeChanges(upper: string, lowers: readonly string[]): FileChange[] {
  const changes: FileChange[] = [];
  compare({ upper: Buffer.from(upper), lowers: lowers.map((path) => Buffer.from(path)) }, '', changes);
  return changes;
}

/** One directory: where it is in the upper, and in each lower layer that is seen through it. */
interface Place {
  readonly upper: Buffer;
  readonly lowers: readonly Buffer[];
}

function compare(place: Place, path: string, changes: FileChange[]): void {
  const opaque = isOpaque(place.upper);
  const names = namesIn(place.upper);
  for (const name of names) compareEntry(place, name, opaque, path, changes);
  // Hidden as a whole: what is not in the upper directory is deleted.
  if (opaque && place.lowers.length > 0) {
    const kept = new Set(names.map(String));
    for (const name of mergedNames(place.lowers)) {
      if (!kept.has(String(name))) changes.push({ Path: `${path}/${name}`, Kind: 2 });
    }
  }
}

function compareEntry(place: Place, name: Buffer, opaque: boolean, path: string, changes: FileChange[]): void {
  const full = `${path}/${name}`;
  const upper = join(place.upper, name);
  const stat = statOf(upper);
  if (!stat) return;
  const below = find(place.lowers, name);
  if (isWhiteout(stat)) {
    if (below) changes.push({ Path: full, Kind: 2 });
    return;
  }
  if (isPlaceholder(full, stat, upper, below)) return;
  const from = changes.length;
  if (stat.isDirectory()) {
    const lowers = below?.stat.isDirectory() ? seen(place.lowers, name) : [];
    // An opaque parent hides the lower directory; compared with it nevertheless, what is gone shows.
    compare({ upper, lowers }, full, changes);
    if (opaque && lowers.length > 0 && !isOpaque(upper)) reportHidden({ upper, lowers }, full, changes);
  }
  const changed = !below ? 1 : isDifferent(stat, below.stat) ? 0 : undefined;
  if (changed !== undefined) changes.splice(from, 0, { Path: full, Kind: changed });
  else if (changes.length > from) changes.splice(from, 0, { Path: full, Kind: 0 });
}

function reportHidden({ upper, lowers }: Place, path: string, changes: FileChange[]): void {
  const kept = new Set(namesIn(upper).map(String));
  for (const name of mergedNames(lowers)) {
    if (!kept.has(String(name))) changes.push({ Path: `${path}/${name}`, Kind: 2 });
  }
}

interface Found {
  readonly stat: BigIntStats;
}

/** What the lower layers show under this name. */
function find(lowers: readonly Buffer[], name: Buffer): Found | undefined {
  for (const lower of lowers) {
    const stat = statOf(join(lower, name));
    if (stat) return isWhiteout(stat) ? undefined : { stat };
    if (isOpaque(lower)) return undefined;
  }
  return undefined;
}

/** The layers' directories of this name that are merged. */
function seen(lowers: readonly Buffer[], name: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (const lower of lowers) {
    const path = join(lower, name);
    const stat = statOf(path);
    if (stat && !stat.isDirectory()) break;
    if (stat) found.push(path);
    if ((stat && isOpaque(path)) || isOpaque(lower)) break;
  }
  return found;
}

function mergedNames(lowers: readonly Buffer[]): Buffer[] {
  const names = new Map<string, Buffer>();
  for (const lower of lowers) for (const name of namesIn(lower)) names.set(name.toString('latin1'), name);
  return [...names.values()].filter((name) => find(lowers, name)).sort(Buffer.compare);
}

/** As Docker: a directory's time says only that something in it changed. */
function isDifferent(a: BigIntStats, b: BigIntStats): boolean {
  if (a.mode !== b.mode || a.uid !== b.uid || a.gid !== b.gid || a.rdev !== b.rdev) return true;
  return !a.isDirectory() && (a.mtimeNs !== b.mtimeNs || a.size !== b.size);
}

/** An empty file or directory, or a link, that nothing but a mount was to cover. */
function isPlaceholder(path: string, stat: BigIntStats, upper: Buffer, below: Found | undefined): boolean {
  if (!placeholders.has(path) || below) return false;
  if (stat.isFile()) return stat.size === 0n;
  if (!stat.isDirectory()) return stat.isSymbolicLink();
  return namesIn(upper).every((name) => {
    const inner = statOf(join(upper, name));
    return !inner || isPlaceholder(`${path}/${name}`, inner, join(upper, name), undefined);
  });
}

// overlayfs.rst: a character device 0/0
function isWhiteout(stat: BigIntStats): boolean {
  return stat.isCharacterDevice() && stat.rdev === 0n;
}

function isOpaque(directory: Buffer): boolean {
  const fd = openSync(directory, openFlags.O_PATH | openFlags.O_DIRECTORY);
  try {
    return getXattrAt(fd, cString('.'), cString('trusted.overlay.opaque'))?.toString() === 'y';
  } finally {
    closeSync(fd);
  }
}

function statOf(path: Buffer): BigIntStats | undefined {
  return lstatSync(path, { bigint: true, throwIfNoEntry: false });
}

function namesIn(directory: Buffer): Buffer[] {
  return readdirSync(directory, { encoding: 'buffer' }).sort(Buffer.compare);
}

function join(directory: Buffer, name: Buffer): Buffer {
  return Buffer.concat([directory, slash, name]);
}
