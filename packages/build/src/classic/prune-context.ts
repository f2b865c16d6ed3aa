import { rmSync } from 'node:fs';
import { createMatcher } from '@wharf/base/ignore/pattern-matcher';
import { openRoot, resolveInRoot } from '@wharf/sys/safe-path';

/**
 * Takes the Dockerfile and `.dockerignore` away where that names them: clients send both in any case. All else is what
 * the client wants to be there. As in dockerd, where a tar of one's own is not looked through either.
 */
export function pruneContext(directory: string, dockerfile: string, excludePatterns: readonly string[]): void {
  if (excludePatterns.length === 0) return;
  const matcher = createMatcher(excludePatterns);
  using root = openRoot(directory);
  for (const path of [dockerfile, '.dockerignore']) {
    const found = matcher.matches(path) ? resolveInRoot(root, path) : undefined;
    if (found !== undefined) rmSync(found, { force: true, recursive: true });
  }
}
