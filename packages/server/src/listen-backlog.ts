import type { Server } from 'node:net';
import { setBacklog } from '@wharf/sys/backlog';

const backlog = 4096;

/** Bun listens with 512 whatever is asked for: a thousand clients that connect at once would be turned away. */
export function raiseBacklog(server: Server): void {
  const { _handle: handle } = server as unknown as { _handle?: { fd?: number } };
  if (typeof handle?.fd === 'number' && handle.fd >= 0) setBacklog(handle.fd, backlog);
}
