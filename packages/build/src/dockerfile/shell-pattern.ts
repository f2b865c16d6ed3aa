import { invalidArgument } from '@wharf/base/error';

/**
 * POSIX shell patterns without brackets, as the Dockerfile language has them: `?` one letter, `*` any number, `\`
 * takes the next one literally.
 */
function toRegExp(pattern: string, { longest, anchored }: { longest: boolean; anchored: boolean }): RegExp {
  let source = anchored ? '^' : '';
  for (let at = 0; at < pattern.length; at++) {
    let letter = pattern[at]!;
    if (letter === '*') source += longest ? '.*' : '.*?';
    else if (letter === '?') source += '.';
    else {
      if (letter === '\\') {
        letter = pattern[++at]!;
        if (letter === undefined) throw invalidArgument(`invalid pattern (${pattern}) in substitution: invalid escape`);
      }
      source += letter.replace(/[.*+?^${}()|[\]\\/]/, '\\$&');
    }
  }
  return new RegExp(source, 'su');
}

export function trimPrefix(value: string, pattern: string, longest: boolean): string {
  const match = toRegExp(pattern, { longest, anchored: true }).exec(value);
  return match ? value.slice(match[0].length) : value;
}

/** A suffix is a prefix read backwards: the shortest match from the end is found as easily. */
export function trimSuffix(value: string, pattern: string, longest: boolean): string {
  const reversedPattern = reverse(pattern.replace(/\\(.)/gsu, '$1\\'));
  return reverse(trimPrefix(reverse(value), reversedPattern, longest));
}

export function replacePattern(value: string, pattern: string, replacement: string, all: boolean): string {
  const found = toRegExp(pattern, { longest: true, anchored: false });
  return value.replace(all ? new RegExp(found.source, 'gsu') : found, () => replacement);
}

function reverse(text: string): string {
  return [...text].reverse().join('');
}
