import type { Logger } from '@wharf/base/logger';
import { sendUnixDatagram } from '@wharf/sys/datagram';

export type SystemdState = 'READY=1' | 'RELOADING=1' | 'STOPPING=1';

/** Tells systemd of a change (sd_notify(3)); nothing without `NOTIFY_SOCKET`. */
export function notifySystemd(socket: string | undefined, state: SystemdState, logger: Logger): void {
  if (!socket) return;
  try {
    sendUnixDatagram(socket, state === 'RELOADING=1' ? `${state}\nMONOTONIC_USEC=${monotonicMicroseconds()}` : state);
  } catch (error) {
    logger.warn('Cannot notify systemd', { state, error });
  }
}

/** When the reload began, so that systemd takes no older READY for its end: Type=notify-reload. */
function monotonicMicroseconds(): bigint {
  return process.hrtime.bigint() / 1000n;
}
