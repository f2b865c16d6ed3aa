import { createHash } from 'node:crypto';

/** Names what belongs to the daemon with this exec-root: its nf_tables table, and its bridges by their alias. */
export function linkOwner(execRoot: string): string {
  return `wharf-${createHash('sha256').update(execRoot).digest('hex').slice(0, 12)}`;
}
