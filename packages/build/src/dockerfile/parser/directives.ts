import { lineRange, SourceError, type SourceRange } from '../source-error.ts';

export interface Directive {
  readonly name: string;
  readonly value: string;
  readonly ranges: readonly SourceRange[];
}

const known = new Set(['syntax', 'escape', 'check']);

/**
 * The `# name=value` lines at the top. The first line that is no directive ends them, be it a comment or an empty
 * line. `comment` is what begins them.
 */
export function parseDirectives(text: string, comment = '#'): Directive[] {
  const line = new RegExp(`^${comment}\\s*([a-zA-Z][a-zA-Z0-9]*)\\s*=\\s*(.+?)\\s*$`);
  const found = new Map<string, Directive>();
  for (const [index, content] of text.split('\n').entries()) {
    const match = line.exec(content);
    const name = match?.[1]?.toLowerCase();
    if (match === null || name === undefined || !known.has(name)) break;
    const ranges = lineRange(index + 1);
    if (found.has(name)) throw new SourceError(`only one ${name} parser directive can be used`, ranges);
    found.set(name, { name, value: match[2]!, ranges });
  }
  return [...found.values()];
}

/** The value of one directive; what is wrong after it does not hide it. */
export function findDirective(text: string, name: string): Directive | undefined {
  const { body, shift } = withoutShebang(text);
  for (const comment of ['#', '//']) {
    const found = directivesUntilError(body, comment).find((directive) => directive.name === name);
    if (found) return { ...found, ranges: found.ranges.map((range) => shiftLines(range, shift)) };
  }
  return fromJson(body, name);
}

function directivesUntilError(text: string, comment: string): Directive[] {
  try {
    return parseDirectives(text, comment);
  } catch (thrown) {
    const line = thrown instanceof SourceError ? (thrown.ranges[0]?.start.line ?? 1) : 1;
    return line > 1
      ? parseDirectives(
          text
            .split('\n')
            .slice(0, line - 1)
            .join('\n'),
          comment,
        )
      : [];
  }
}

/** A build definition in another language may be JSON with a key `syntax`. */
function fromJson(text: string, name: string): Directive | undefined {
  if (!text.trimStart().startsWith('{')) return undefined;
  try {
    const value: unknown = (JSON.parse(text) as Record<string, unknown>)[name];
    return typeof value === 'string' && value !== '' ? { name, value, ranges: lineRange(1) } : undefined;
  } catch {
    return undefined;
  }
}

function withoutShebang(text: string): { body: string; shift: number } {
  const end = text.indexOf('\n');
  return text.startsWith('#!') ? { body: end < 0 ? '' : text.slice(end + 1), shift: 1 } : { body: text, shift: 0 };
}

function shiftLines({ start, end }: SourceRange, by: number): SourceRange {
  return { start: { ...start, line: start.line + by }, end: { ...end, line: end.line + by } };
}
