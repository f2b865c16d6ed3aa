import { invalidArgument } from '@wharf/base/error';
import { Wildcard, type WildcardToken } from '@wharf/base/wildcard';

/**
 * POSIX shell patterns without brackets, as the Dockerfile language has them: `?` one letter, `*` any number, `\\`
 * takes the next one literally.
 */
function parsePattern(pattern: string): WildcardToken[] {
  const letters = [...pattern];
  const tokens: WildcardToken[] = [];
  for (let at = 0; at < letters.length; at++) {
    let letter = letters[at]!;
    if (letter === '*') tokens.push({ kind: 'many', accepts: () => true });
    else if (letter === '?') tokens.push({ kind: 'one', accepts: () => true });
    else {
      if (letter === '\\') {
        letter = letters[++at]!;
        if (letter === undefined) throw invalidArgument(`invalid pattern (${pattern}) in substitution: invalid escape`);
      }
      const wanted = letter;
      tokens.push({ kind: 'one', accepts: (found) => found === wanted });
    }
  }
  return tokens;
}

export function trimPrefix(value: string, pattern: string, longest: boolean): string {
  return trimStart([...value], parsePattern(pattern), longest).join('');
}

/** A suffix is a prefix read backwards: the shortest match from the end is found as easily. */
export function trimSuffix(value: string, pattern: string, longest: boolean): string {
  const left = trimStart([...value].reverse(), parsePattern(pattern).reverse(), longest);
  return left.reverse().join('');
}

function trimStart(letters: string[], tokens: readonly WildcardToken[], longest: boolean): string[] {
  checkSize(letters, tokens);
  const ends = new Wildcard(tokens).ends(letters, 0);
  return letters.slice(Math.max(0, longest ? ends.longest : ends.shortest));
}

/** The leftmost match, as long as it can be; or each one after the other. */
export function replacePattern(value: string, pattern: string, replacement: string, all: boolean): string {
  const letters = [...value];
  const tokens = parsePattern(pattern);
  checkSize(letters, tokens);
  const wildcard = new Wildcard(tokens);
  const starts = wildcard.starts(letters);
  let out = '';
  let isDone = false;
  for (let at = 0; at <= letters.length; ) {
    if (out.length > mostLetters) throw invalidArgument(`the replacement of ${pattern} makes too long a text`);
    const end = !isDone && starts[at] ? wildcard.ends(letters, at).longest : -1;
    if (end >= 0) {
      out += replacement;
      isDone = !all;
    }
    if (end > at) at = end;
    else out += letters[at++] ?? '';
  }
  return out;
}

const mostLetters = 1 << 20;
const mostWork = 1 << 26;

function checkSize(letters: readonly string[], tokens: readonly WildcardToken[]): void {
  if (letters.length * tokens.length > mostWork)
    throw invalidArgument('pattern or value of a substitution is too long');
}
