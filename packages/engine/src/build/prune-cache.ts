import { statfsSync } from 'node:fs';
import { checkFilterNames, type Filters, filterValues } from '@wharf/api/filters';
import type { BuildCacheRecord } from '@wharf/api/system';
import { conflict, invalidArgument } from '@wharf/base/error';
import type { KeyedLock } from '@wharf/base/keyed-lock';
import { parseUntil } from '../time-filter.ts';
import { cacheRecords, type HeldCache } from './cache-records.ts';

export interface BuildPruneOptions {
  /** Also layers that images have. */
  readonly all: boolean;
  readonly filters: Filters;
  /** Bytes; 0 is no limit. */
  readonly limits: { readonly reserved: number; readonly maximum: number; readonly free: number };
}

type PruneDeps = HeldCache & { readonly locks: KeyedLock; readonly dataRoot: string };

const filterNames = ['until', 'unused-for', 'id', 'type', 'description', 'inuse', 'shared', 'private'];

/** Removes what builds have kept, what was used longest ago first, until the limits are met. */
export async function pruneCache(deps: PruneDeps, { all, filters, limits }: BuildPruneOptions) {
  const accepts = compileFilters(filters);
  const lock = 'prune build cache';
  if (deps.locks.isHeld(lock)) throw conflict('a prune operation is already running');
  return deps.locks.run(lock, async () => {
    const records = await cacheRecords(deps);
    let total = records.reduce((sum, { Size }) => sum + Size, 0);
    const keep = bytesToKeep(total, limits, deps.dataRoot);
    const candidates = records
      .filter((record) => !record.InUse && (all || !record.Shared) && accepts(record))
      .sort((a, b) => Date.parse(a.LastUsedAt ?? a.CreatedAt) - Date.parse(b.LastUsedAt ?? b.CreatedAt));
    const deleted: string[] = [];
    let reclaimed = 0;
    for (const { ID, Type, Size, Shared } of candidates) {
      if (keep > 0 && total <= keep) break;
      if (Type === 'exec.cachemount') deps.cacheMounts.remove(ID);
      else deps.cache.remove(ID);
      total -= Size;
      if (!Shared) reclaimed += Size;
      deleted.push(ID);
    }
    await deps.images.collectGarbage();
    return { CachesDeleted: deleted.length > 0 ? deleted : null, SpaceReclaimed: reclaimed };
  });
}

/** Bytes that may stay; 0 where none need to. */
function bytesToKeep(
  total: number,
  { reserved, maximum, free }: BuildPruneOptions['limits'],
  dataRoot: string,
): number {
  let keep = maximum;
  if (free > 0) {
    const { bavail, bsize } = statfsSync(dataRoot);
    const missing = free - bavail * bsize;
    if (missing > 0) keep = keep === 0 ? total - missing : Math.min(keep, total - missing);
    else if (keep === 0 && reserved === 0) return total;
  }
  return Math.max(keep, reserved);
}

function compileFilters(filters: Filters): (record: BuildCacheRecord) => boolean {
  checkFilterNames(filters, filterNames);
  const until = parseUntil([...filterValues(filters, 'until'), ...filterValues(filters, 'unused-for')]);
  const one = (name: string) => {
    const values = filterValues(filters, name);
    if (values.length > 1) throw invalidArgument(`filters expect only one value: ${name}`);
    return values[0];
  };
  const [id, type, description] = [one('id'), one('type'), one('description')];
  const has = { inuse: filters.has('inuse'), shared: filters.has('shared'), private: filters.has('private') };
  return (record) =>
    (until === undefined || BigInt(Date.parse(record.LastUsedAt ?? record.CreatedAt)) * 1_000_000n <= until) &&
    (id === undefined || record.ID.includes(id)) &&
    (type === undefined || record.Type === type) &&
    (description === undefined || record.Description === description) &&
    (!has.inuse || record.InUse) &&
    (!has.shared || record.Shared) &&
    (!has.private || !record.Shared);
}
