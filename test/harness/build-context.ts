import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Daemon } from './daemon.ts';

/** A new directory of files to build from, beside the daemon's own; text by path. */
export function buildContext({ sandbox }: Daemon, files: Readonly<Record<string, string>>): string {
  const directory = mkdtempSync(join(sandbox.directory, 'context-'));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), text);
  }
  return directory;
}
