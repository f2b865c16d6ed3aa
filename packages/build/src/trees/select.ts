import {
  createMatcher,
  hasWildcard,
  type PathPattern,
  type PatternMatcher,
  parsePathPattern,
} from '@wharf/base/ignore/pattern-matcher';
import { SystemError } from '@wharf/sys/errno';
import { components, isDirectory, joinPath, resolvePath, shownName, type TreeView } from './tree-view.ts';

/** Which files of a tree an operation reads: the source of a COPY, the selector of a mount. */
export interface Selection {
  /** Byte string, as the operation says it. */
  readonly path: string;
  readonly wildcard: boolean;
  readonly followLinks: boolean;
  readonly includePatterns: readonly string[];
  readonly excludePatterns: readonly string[];
}

/** All of a tree, or of what a path in it leads to. */
export function whole(path: string): Selection {
  return { path: path || '/', wildcard: false, followLinks: true, includePatterns: [], excludePatterns: [] };
}

/** One path that a selection leads to. */
export interface Selected {
  /** Real, without a leading slash. */
  readonly path: string;
  /** What the selection calls it: its last component names the copy. */
  readonly named: string;
}

const ENOENT = 2;

/** What a selection finds, in order. Throws ENOENT for a path without wildcard that is not there. */
export function selectPaths(view: TreeView, { path, wildcard, followLinks }: Selection): Selected[] {
  const names = components(path);
  const first = wildcard ? names.findIndex((name) => hasWildcard(shownName(name))) : -1;
  if (first < 0) {
    const named = names.join('/');
    const real = resolvePath(view, named, { followLast: followLinks });
    if (!view.stat(real)) throw new SystemError(`lstat ${shownName(path)}`, ENOENT);
    return [{ path: real, named }];
  }
  const base = resolvePath(view, names.slice(0, first).join('/'), { followLast: true });
  const patterns = names.slice(first).map((name) => parsePathPattern(shownName(name)));
  return [...matchNames(view, base, patterns)].map((found) => ({
    path: followLinks ? resolvePath(view, found, { followLast: true }) : found,
    named: found,
  }));
}

function* matchNames(view: TreeView, directory: string, patterns: readonly PathPattern[]): Generator<string> {
  const [pattern, ...rest] = patterns;
  const stat = view.stat(directory);
  if (!pattern || !stat || !isDirectory(stat)) return;
  for (const name of view.names(directory)) {
    if (!pattern.test(shownName(name))) continue;
    const path = joinPath(directory, name);
    if (rest.length === 0) yield path;
    else yield* matchNames(view, path, rest);
  }
}

/** Tells which entries below a copied directory come along. Paths are relative to it. */
export class CopyFilter {
  readonly #include: PatternMatcher | undefined;
  readonly #exclude: PatternMatcher | undefined;

  constructor({ includePatterns, excludePatterns }: Pick<Selection, 'includePatterns' | 'excludePatterns'>) {
    this.#include = includePatterns.length > 0 ? createMatcher(includePatterns) : undefined;
    this.#exclude = excludePatterns.length > 0 ? createMatcher(excludePatterns) : undefined;
  }

  get takesAll(): boolean {
    return !this.#include && !this.#exclude;
  }

  takes(path: string): boolean {
    const shown = shownName(path);
    return (!this.#include || this.#include.matches(shown)) && !this.#exclude?.matches(shown);
  }

  /** True where something below a directory that itself is not taken may be. */
  mayTakeBelow(path: string): boolean {
    if (this.#include) return true;
    return this.#exclude === undefined || this.#exclude.hasExceptions || !this.#exclude.matches(shownName(path));
  }
}
