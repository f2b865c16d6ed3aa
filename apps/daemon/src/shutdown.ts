import type { Logger } from '@wharf/base/logger';

/** Go's words for the signals that end the daemon or reload its file, and ours for the one that replaces it. */
const words = { SIGINT: 'interrupt', SIGTERM: 'terminated', SIGHUP: 'hangup', SIGUSR2: 'upgrade' } as const;

type Word = (typeof words)[keyof typeof words];

export interface Signals {
  /** Resolves at the next one, or at once with one that came meanwhile. */
  next(): Promise<Word>;
}

/**
 * SIGINT and SIGTERM end the daemon, SIGHUP reloads its file, SIGUSR2 replaces it in place. Who signals its end three times does not want to
 * wait for containers: the process ends at once.
 */
export function watchSignals(logger: Logger): Signals {
  const pending: Word[] = [];
  let wake = Promise.withResolvers<void>();
  let ends = 0;
  for (const [signal, word] of Object.entries(words)) {
    process.on(signal, () => {
      if (word === 'interrupt' || word === 'terminated') ends++;
      if (ends >= 3) {
        logger.warn('Forcing shutdown without cleanup; 3 signals received');
        process.exit(128 + (word === 'interrupt' ? 2 : 15));
      }
      pending.push(word);
      wake.resolve();
    });
  }
  // A reader of stderr that leaves must not end the daemon, nor must a terminal.
  process.on('SIGPIPE', () => {});
  return {
    async next() {
      for (;;) {
        const word = pending.shift();
        if (word) return word;
        await wake.promise;
        wake = Promise.withResolvers<void>();
      }
    },
  };
}
