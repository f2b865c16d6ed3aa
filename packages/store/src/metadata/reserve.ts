import { statSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';

/** What some thousands of changes to records take. */
const reservedBytes = 2 << 20;
const SQLITE_FULL = 13;

/**
 * Room for changes on a disk that a container has filled: without it nobody could even stop or remove that container.
 * The database file holds free pages, and its log, which SQLite overwrites from the start once all of it is in the
 * database, has a size that it keeps.
 */
export function reserveRoom(sqlite: DatabaseSync, log: string): void {
  const { freelist_count: free } = sqlite.prepare('PRAGMA freelist_count').get() as { freelist_count: number };
  const { page_size: pageSize } = sqlite.prepare('PRAGMA page_size').get() as { page_size: number };
  const logged = statSync(log, { throwIfNoEntry: false })?.size ?? 0;
  if (free * pageSize >= reservedBytes / 2 && logged >= reservedBytes) return;
  // Two commits: what one makes and drops again is never written.
  sqlite.exec(`CREATE TABLE reserved(room); INSERT INTO reserved VALUES (zeroblob(${reservedBytes}))`);
  sqlite.exec('DROP TABLE reserved');
  sqlite.exec('PRAGMA wal_checkpoint(RESTART)');
}

/** Runs `change`; on a full disk once more in the room that the log has as soon as it begins anew. */
export function withReserve<T>(sqlite: DatabaseSync, change: () => T): T {
  try {
    return change();
  } catch (error) {
    if (!isFull(error)) throw error;
    sqlite.exec('PRAGMA wal_checkpoint(RESTART)');
    return change();
  }
}

export function isFull(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === SQLITE_FULL;
}
