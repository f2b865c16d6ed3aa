import { type BigIntStats, lstatSync, readdirSync, readlinkSync } from 'node:fs';
import { createMatcher, type PathPattern, parsePathPattern } from '@wharf/base/ignore/pattern-matcher';

/** What of a directory is wanted; patterns are those of .dockerignore. */
export interface Selection {
  /** Empty: everything. */
  readonly include: readonly string[];
  readonly exclude: readonly string[];
}

/** An entry as fsutil tells it. */
export interface LocalEntry {
  readonly path: string;
  readonly stat: BigIntStats;
  /** Of a link its target; of a file the earlier path that it is the same file as. */
  readonly linkName: string;
}

/**
 * The entries of a directory in fsutil's order: a directory before what is in it, names compared byte by byte.
 * Directories that are not wanted come where something in them is.
 */
export function* walkDirectory(root: string, selection: Selection): Generator<LocalEntry> {
  const links = new Map<string, string>();
  yield* entriesBelow(root, '', chooser(selection), { links, waiting: [] });
}

interface Choice {
  readonly isWanted: boolean;
  /** Whether something below it may be wanted. */
  readonly mayHold: boolean;
}

interface Walk {
  /** First paths of files with several names. */
  readonly links: Map<string, string>;
  /** Directories that come only if something in them does. */
  readonly waiting: LocalEntry[];
}

function* entriesBelow(
  root: string,
  prefix: string,
  choose: (path: string) => Choice,
  walk: Walk,
): Generator<LocalEntry> {
  for (const name of names(`${root}/${prefix}`)) {
    const path = `${prefix}${name}`;
    const { isWanted, mayHold } = choose(path);
    if (!isWanted && !mayHold) continue;
    const stat = lstatSync(`${root}/${path}`, { bigint: true, throwIfNoEntry: false });
    // A socket means nothing without its listener.
    if (!stat || stat.isSocket()) continue;
    const entry = { path, stat, linkName: isWanted ? linkNameOf(root, path, stat, walk.links) : '' };
    if (isWanted) {
      yield* walk.waiting.splice(0);
      yield entry;
    }
    if (!stat.isDirectory() || !mayHold) continue;
    if (!isWanted) walk.waiting.push(entry);
    yield* entriesBelow(root, `${path}/`, choose, walk);
    if (walk.waiting.at(-1) === entry) walk.waiting.pop();
  }
}

function names(directory: string): string[] {
  const found = readdirSync(directory);
  return found.length < 2 ? found : found.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

function linkNameOf(root: string, path: string, stat: BigIntStats, links: Map<string, string>): string {
  if (stat.isSymbolicLink()) return readlinkSync(`${root}/${path}`);
  if (stat.nlink < 2n || !stat.isFile()) return '';
  const key = `${stat.dev}:${stat.ino}`;
  const first = links.get(key);
  if (first === undefined) links.set(key, path);
  return first ?? '';
}

function chooser({ include, exclude }: Selection): (path: string) => Choice {
  const excluded = createMatcher(exclude);
  const exceptions = excluded.patterns.filter(({ exception }) => exception).map(({ text }) => leading(text));
  const included = include.length === 0 ? undefined : createMatcher(include);
  const includes = included?.patterns.map(({ text }) => leading(text)) ?? [];
  return (path) => {
    const isIncluded = included?.matches(path) ?? true;
    const isExcluded = excluded.matches(path);
    return {
      isWanted: isIncluded && !isExcluded,
      mayHold:
        (isIncluded || includes.some((fits) => fits(path))) && (!isExcluded || exceptions.some((fits) => fits(path))),
    };
  };
}

/** Whether something below a directory can fit a pattern: the directory's names fit the pattern's first ones. */
function leading(pattern: string): (directory: string) => boolean {
  const parts = pattern
    .split('/')
    .map((text): PathPattern | 'any' => (text.includes('**') ? 'any' : parsePathPattern(text)));
  return (directory) => {
    const path = directory.split('/');
    for (const [index, name] of path.entries()) {
      const part = parts[index];
      if (part === 'any') return true;
      if (part === undefined || !part.test(name)) return false;
    }
    return path.length < parts.length;
  };
}
