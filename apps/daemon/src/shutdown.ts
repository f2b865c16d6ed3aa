import type { Logger } from '@wharf/base/logger';

const names = { SIGINT: 'interrupt', SIGTERM: 'terminated' } as const;

/**
 * Resolves at the first SIGINT or SIGTERM, with Go's word for it. Who then signals twice more does not want to wait
 * for containers: the process ends at once.
 */
export function untilSignal(logger: Logger): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let count = 0;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      count++;
      if (count === 1) resolve(names[signal]);
      else if (count >= 3) {
        logger.warn('Forcing shutdown without cleanup; 3 signals received');
        process.exit(128 + (signal === 'SIGINT' ? 2 : 15));
      }
    });
  }
  // A reader of stderr that leaves must not end the daemon, nor must a terminal.
  process.on('SIGPIPE', () => {});
  process.on('SIGHUP', () => logger.warn('Got SIGHUP: the configuration is read at start only'));
  return promise;
}
