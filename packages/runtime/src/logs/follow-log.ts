import type { LogChanges } from './log-changes.ts';
import { type LogSource, openLogSources, openSource, recentInodeOf } from './log-source.ts';

/**
 * What is written behind `position` of the file `last`, over any number of rotations, until the changes are over. Each
 * source is given when its lines are to be read from `position` on; the caller reads it to its present end.
 */
export async function* followLog(
  path: string,
  last: LogSource | undefined,
  changes: LogChanges,
): AsyncGenerator<{ source: LogSource; position: number }> {
  await using open = new AsyncDisposableStack();
  let source = last;
  let position = last?.position ?? 0;
  for (;;) {
    const { over } = changes;
    const inode = recentInodeOf(path);
    if (!source) {
      source = await openSource(path, path);
      if (source) open.use(source);
    }
    if (source) {
      // After the look at the name: what a rotated file got last is in it by now.
      yield { source, position };
      position = source.position;
    }
    if (source && inode !== undefined && inode !== source.inode) {
      const later = await sourcesAfter(path, source);
      for (const next of later) open.use(next);
      for (const next of later.slice(0, -1)) yield { source: next, position: 0 };
      source = later.at(-1);
      position = 0;
      continue;
    }
    if (over) return;
    await changes.next();
  }
}

/** The files that were begun after this one, some of which may have been rotated and compressed already. */
export async function sourcesAfter(path: string, source: LogSource): Promise<LogSource[]> {
  const name = await source.name();
  const sources = await openLogSources(path);
  const names = await Promise.all(sources.map((each) => each.name()));
  const at = sources.findIndex(
    (each, index) => each.inode === source.inode || (name !== undefined && names[index] === name),
  );
  for (const before of sources.slice(0, at + 1)) await before[Symbol.asyncDispose]();
  return sources.slice(at + 1);
}
