import type { Logger } from '@wharf/base/logger';
import { sendUnixDatagram } from '@wharf/sys/datagram';

/** Tells systemd of a change (sd_notify(3)); nothing without `NOTIFY_SOCKET`. */
export function notifySystemd(socket: string | undefined, state: 'READY=1' | 'STOPPING=1', logger: Logger): void {
  if (!socket) return;
  try {
    sendUnixDatagram(socket, state);
  } catch (error) {
    logger.warn('Cannot notify systemd', { state, error });
  }
}
