import type { Logger } from '@wharf/base/logger';
import { sendUnixDatagram } from '@wharf/sys/datagram';
import type { DaemonEnvironment } from './config/config.ts';

export type SystemdState = 'READY=1' | 'RELOADING=1' | 'STOPPING=1' | 'WATCHDOG=1';

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

/** Shows systemd that the event loop turns, as often as sd_watchdog_enabled(3) asks for; nothing where it does not. */
export function feedWatchdog({ notifySocket, watchdogMicroseconds }: DaemonEnvironment, logger: Logger): void {
  if (!notifySocket || !watchdogMicroseconds) return;
  const feed = () => notifySystemd(notifySocket, 'WATCHDOG=1', logger);
  setInterval(feed, watchdogMicroseconds / 2000).unref();
  feed();
}
