import { writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import { createLogger, type Logger } from '@wharf/base/logger';
import type { Settings } from './config/options.ts';

const stderr = 2;

/** The daemon's own log: lines on stderr, written at once so that a crash loses none. Its level follows a reload. */
export function openLog(settings: () => Pick<Settings, 'log-level' | 'log-format' | 'raw-logs'>): Logger {
  const { 'log-format': format, 'raw-logs': raw } = settings();
  return createLogger({
    level: () => settings()['log-level'],
    format: format === 'text' && !raw && isatty(stderr) ? 'terminal' : format,
    write: writeStderr,
  });
}

function writeStderr(line: string): void {
  try {
    writeSync(stderr, line);
  } catch {
    // Nobody reads it any more: no reason to stop serving.
  }
}
