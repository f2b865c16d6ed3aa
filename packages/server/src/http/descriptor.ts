import type { Server, Socket } from 'node:net';

/** The descriptor below a socket or server; `undefined` where there is none to be had, as below TLS. */
export function descriptorOf(endpoint: Server | Socket): number | undefined {
  const { _handle: handle } = endpoint as unknown as { _handle?: { fd?: unknown } };
  const fd = handle?.fd;
  return typeof fd === 'number' && fd >= 0 ? fd : undefined;
}
