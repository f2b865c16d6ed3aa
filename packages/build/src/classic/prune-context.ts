import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createMatcher } from '@wharf/base/ignore/pattern-matcher';

/** Removes what a context's `.dockerignore` names. Links are never followed. */
export function pruneContext(directory: string, excludePatterns: readonly string[]): void {
  if (excludePatterns.length === 0) return;
  const matcher = createMatcher(excludePatterns);
  const walk = (prefix: string): void => {
    for (const entry of readdirSync(join(directory, prefix), { withFileTypes: true })) {
      const path = prefix === '' ? entry.name : `${prefix}/${entry.name}`;
      const excluded = matcher.matches(path);
      if (!entry.isDirectory()) {
        if (excluded) rmSync(join(directory, path), { force: true });
        continue;
      }
      if (excluded && !matcher.hasExceptions) rmSync(join(directory, path), { recursive: true, force: true });
      else {
        walk(path);
        // What was not taken back is gone; an empty directory that is excluded goes with it.
        if (excluded && readdirSync(join(directory, path)).length === 0)
          rmSync(join(directory, path), { recursive: true });
      }
    }
  };
  walk('');
}
