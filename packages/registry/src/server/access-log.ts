import type { AccessEntry } from './registry-server.ts';

/** One JSON object a line. Neither queries nor headers are in it, where secrets could be. */
export function formatAccessEntry(entry: AccessEntry): string {
  const { method, path, repository, status, milliseconds, bytesIn, bytesOut, peer, user, userAgent } = entry;
  const line = {
    time: new Date().toISOString(),
    method,
    path,
    ...(repository !== undefined && { repository }),
    status,
    bytesIn,
    bytesOut,
    milliseconds: Math.round(milliseconds * 100) / 100,
    peer,
    ...(user !== undefined && { user }),
    ...(userAgent !== undefined && { userAgent: userAgent.slice(0, 200) }),
  };
  return `${JSON.stringify(line)}\n`;
}
