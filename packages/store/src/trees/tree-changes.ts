import type { BigIntStats } from 'node:fs';
import {
  findBelow,
  isOpaque,
  isWhiteout,
  joinBytes,
  mergedBelow,
  namesIn,
  type Place,
  statOf,
} from './layered-view.ts';
import { isPlaceholder } from './placeholders.ts';

/** `docker diff`: 0 modified, 1 added, 2 deleted. */
export interface FileChange {
  readonly Path: string;
  readonly Kind: 0 | 1 | 2;
}

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
  const upper = joinBytes(place.upper, name);
  const stat = statOf(upper);
  if (!stat) return;
  const below = findBelow(place.lowers, name);
  if (isWhiteout(stat)) {
    if (below) changes.push({ Path: full, Kind: 2 });
    return;
  }
  if (isPlaceholder(full, stat, upper, below)) return;
  const from = changes.length;
  if (stat.isDirectory()) {
    const lowers = below?.stat.isDirectory() ? mergedBelow(place.lowers, name) : [];
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

function mergedNames(lowers: readonly Buffer[]): Buffer[] {
  const names = new Map<string, Buffer>();
  for (const lower of lowers) for (const name of namesIn(lower)) names.set(name.toString('latin1'), name);
  return [...names.values()].filter((name) => findBelow(lowers, name)).sort(Buffer.compare);
}

/** As Docker: a directory's time says only that something in it changed. */
function isDifferent(a: BigIntStats, b: BigIntStats): boolean {
  if (a.mode !== b.mode || a.uid !== b.uid || a.gid !== b.gid || a.rdev !== b.rdev) return true;
  return !a.isDirectory() && (a.mtimeNs !== b.mtimeNs || a.size !== b.size);
}
