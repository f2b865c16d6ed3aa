import { invalidArgument } from '../error.ts';
import { Wildcard, type WildcardToken } from '../wildcard.ts';

/**
 * The patterns of .dockerignore and of COPY's --exclude, by the rules of moby/patternmatcher: Go's filepath.Match with
 * `**` for any number of directories, `!` for exceptions, and a pattern that matches a directory matches all below it.
 */
export interface PatternMatcher {
  /** Whether the last pattern that matches the path, or a directory above it, is no exception. */
  matches(path: string): boolean;
  /** False where nothing below a directory that matches can be excepted, so that there is no need to look. */
  readonly hasExceptions: boolean;
  readonly patterns: readonly Pattern[];
}

export interface Pattern {
  readonly text: string;
  readonly exception: boolean;
  readonly path: PathPattern;
}

/** Tells whether a whole path fits. */
export interface PathPattern {
  test(path: string): boolean;
}

/** With so few a regular expression is fast whatever the text. */
const mostStarsOfExpression = 1;

/** Throws invalid_argument for a pattern that filepath.Match would refuse. */
export function createMatcher(patterns: readonly string[]): PatternMatcher {
  const parsed = patterns.map(parsePattern).filter((pattern) => pattern !== undefined);
  return {
    patterns: parsed,
    hasExceptions: parsed.some(({ exception }) => exception),
    matches(path) {
      let matched = false;
      const above = parents(path);
      for (const { exception, path: pattern } of parsed) {
        if (exception !== matched) continue;
        if (pattern.test(path) || above.some((parent) => pattern.test(parent))) matched = !exception;
      }
      return matched;
    },
  };
}

function parents(path: string): string[] {
  const found: string[] = [];
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) found.push(path.slice(0, end));
  return found;
}

function parsePattern(text: string): Pattern | undefined {
  const trimmed = text.trim();
  if (trimmed === '') return undefined;
  const exception = trimmed.startsWith('!');
  const cleaned = cleanPattern(exception ? trimmed.slice(1) : trimmed);
  if (exception && cleaned === '') throw invalidArgument('illegal exclusion pattern: "!"');
  return { text: cleaned, exception, path: parsePathPattern(cleaned) };
}

/** As filepath.Clean, with neither a leading nor a trailing slash. */
function cleanPattern(text: string): string {
  const names: string[] = [];
  for (const name of text.split('/')) {
    if (name === '' || name === '.') continue;
    if (name === '..' && names.length > 0 && names[names.length - 1] !== '..') names.pop();
    else names.push(name);
  }
  return names.length === 0 ? '.' : names.join('/');
}

/** Go's filepath.Match for one whole path, and `**`. Throws invalid_argument `syntax error in pattern`. */
export function parsePathPattern(pattern: string): PathPattern {
  const chars = [...pattern];
  const tokens: WildcardToken[] = [];
  let source = '^';
  const one = (text: string) => {
    source += text;
    const letter = new RegExp(`^${text}$`, 'su');
    tokens.push({ kind: 'one', accepts: (char) => letter.test(char) });
  };
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at]!;
    if (char === '*' && chars[at + 1] === '*') {
      at++;
      // `**/` may be nothing at all.
      if (chars[at + 1] === '/') at++;
      const isLast = at + 1 >= chars.length;
      source += isLast ? '.*' : '(?:.*/)?';
      tokens.push(isLast ? { kind: 'many', accepts: () => true } : { kind: 'directories' });
    } else if (char === '*') {
      source += '[^/]*';
      tokens.push({ kind: 'many', accepts: (letter) => letter !== '/' });
    } else if (char === '?') one('[^/]');
    else if (char === '[') {
      const { text, end } = characterClass(chars, at);
      one(text);
      at = end;
    } else if (char === '\\') {
      if (at + 1 >= chars.length) throw badPattern();
      at++;
      one(literal(chars[at]!));
    } else one(literal(char));
  }
  const stars = tokens.filter(({ kind }) => kind !== 'one').length;
  return stars > mostStarsOfExpression ? new Wildcard(tokens) : new RegExp(`${source}$`, 'su');
}

function characterClass(chars: readonly string[], start: number): { text: string; end: number } {
  let at = start + 1;
  let text = '[';
  if (chars[at] === '^') {
    text += '^';
    at++;
  }
  let count = 0;
  for (; ; count++) {
    if (chars[at] === ']' && count > 0) break;
    const low = classChar(chars, at);
    at = low.next;
    text += low.text;
    if (chars[at] !== '-') continue;
    const high = classChar(chars, at + 1);
    at = high.next;
    text += `-${high.text}`;
  }
  // A class never matches a separator.
  return { text: `(?!/)${text}]`, end: at };
}

function classChar(chars: readonly string[], at: number): { text: string; next: number } {
  const char = chars[at];
  if (char === undefined || char === '-' || char === ']') throw badPattern();
  if (char !== '\\') return { text: escapeInClass(char), next: at + 1 };
  const escaped = chars[at + 1];
  if (escaped === undefined) throw badPattern();
  return { text: escapeInClass(escaped), next: at + 2 };
}

function literal(char: string): string {
  return /[\\^$.*+?()[\]{}|/]/.test(char) ? `\\${char}` : char;
}

function escapeInClass(char: string): string {
  return /[\\\]^-]/.test(char) ? `\\${char}` : char;
}

function badPattern(): Error {
  return invalidArgument('syntax error in pattern');
}

/** True where a path component is to be matched rather than named. */
export function hasWildcard(name: string): boolean {
  return /[*?[\\]/.test(name);
}
