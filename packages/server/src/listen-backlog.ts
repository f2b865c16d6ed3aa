import type { Server } from 'node:net';
import { setBacklog } from '@wharf/sys/backlog';
import { descriptorOf } from './http/descriptor.ts';

/** How many clients may wait to be accepted. */
export const backlog = 4096;

/** Bun listens with 512 whatever is asked for: a thousand clients that connect at once would be turned away. */
export function raiseBacklog(server: Server): void {
  const fd = descriptorOf(server);
  if (fd !== undefined) setBacklog(fd, backlog);
}
