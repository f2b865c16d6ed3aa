import type { BuildRecordSummary } from '@wharf/api/build-history';

/** As buildx says it. */
export function buildStatus({ Status }: Pick<BuildRecordSummary, 'Status'>): string {
  if (Status === 'running') return 'Running';
  return Status === 'completed' ? 'Completed' : 'Error';
}

/** `3.2s`, and `3.2s+` of a build that goes on. */
export function buildDuration(record: BuildRecordSummary): string {
  const text = shortDuration(durationOf(record));
  return record.CompletedAt === undefined ? `${text}+` : text;
}

/** Milliseconds, by the daemon's clock. */
export function durationOf({ CreatedAt, CompletedAt, Now }: BuildRecordSummary): number {
  return Date.parse(CompletedAt ?? Now) - Date.parse(CreatedAt);
}

/** `12.3s`, `3m  7s` */
export function shortDuration(milliseconds: number): string {
  if (milliseconds < 60_000) return `${(milliseconds / 1000).toFixed(1)}s`;
  const seconds = String(Math.trunc(milliseconds / 1000) % 60).padStart(2);
  return `${Math.trunc(milliseconds / 60_000)}m ${seconds}s`;
}
