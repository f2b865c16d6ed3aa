import type { BigIntStats } from 'node:fs';
import {
  type Found,
  findBelow,
  isOpaque,
  joinBytes,
  mergedBelow,
  namesIn,
  type Place,
  statOf,
} from './layered-view.ts';

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

/** An empty file or directory, or a link, that nothing but a mount was to cover. */
export function isPlaceholder(path: string, stat: BigIntStats, upper: Buffer, below: Found | undefined): boolean {
  if (!placeholders.has(path) || below) return false;
  if (stat.isFile()) return stat.size === 0n;
  if (!stat.isDirectory()) return stat.isSymbolicLink();
  return namesIn(upper).every((name) => {
    const full = joinBytes(upper, name);
    const inner = statOf(full);
    return !inner || isPlaceholder(`${path}/${name}`, inner, full, undefined);
  });
}

/** The paths in an overlay's upper directory that nothing but mounts were to cover: `/etc/hosts`. */
export function findPlaceholders(upper: string, lowers: readonly string[]): ReadonlySet<string> {
  const found = new Set<string>();
  collect({ upper: Buffer.from(upper), lowers: lowers.map((path) => Buffer.from(path)) }, '', found);
  return found;
}

function collect(place: Place, parent: string, found: Set<string>): void {
  const lowers = isOpaque(place.upper) ? [] : place.lowers;
  for (const name of namesIn(place.upper)) {
    const path = `${parent}/${name}`;
    const holds = [...placeholders].some((known) => known.startsWith(`${path}/`));
    if (!holds && !placeholders.has(path)) continue;
    const upper = joinBytes(place.upper, name);
    const stat = statOf(upper);
    if (!stat) continue;
    if (isPlaceholder(path, stat, upper, findBelow(lowers, name))) found.add(path);
    else if (holds && stat.isDirectory()) collect({ upper, lowers: mergedBelow(lowers, name) }, path, found);
  }
}
