import { invalidArgument } from '@wharf/base/error';
import { lineRange, locate, SourceError, type SourceRange } from '../source-error.ts';
import { type Arguments, argumentParsers } from './arguments.ts';
import { type Directive, parseDirectives } from './directives.ts';
import { type Heredoc, heredocsOfLine } from './heredoc.ts';
import { splitInstruction } from './instruction-line.ts';

/** One instruction as it stands in the file: continuation lines are joined, nothing is expanded. */
export interface Node extends Arguments {
  /** As it was typed. */
  readonly keyword: string;
  /** In lower case. */
  readonly name: string;
  readonly flags: readonly string[];
  readonly heredocs: readonly Heredoc[];
  /** The joined line. */
  readonly original: string;
  readonly ranges: readonly SourceRange[];
  /** Comment lines directly above. */
  readonly comments: readonly string[];
}

export interface ParsedFile {
  readonly nodes: readonly Node[];
  readonly escapeToken: string;
  readonly directives: readonly Directive[];
  /** Lines that are empty between continued ones. */
  readonly emptyContinuations: readonly (readonly SourceRange[])[];
}

const heredocInstructions = new Set(['add', 'copy', 'run']);
const comment = /^\s*#/;

/** Reads a Dockerfile. Throws a SourceError that points at the lines. */
export function parseDockerfile(text: string): ParsedFile {
  const source = text.replace(/^\uFEFF/, '');
  const directives = parseDirectives(source);
  const escapeToken = escapeOf(directives);
  const reader = new LineReader(source);
  const nodes: Node[] = [];
  const emptyContinuations: SourceRange[][] = [];
  let comments: string[] = [];
  while (!reader.ended) {
    const line = reader.next();
    if (comment.test(line)) {
      const content = line.trim().slice(1).trim();
      comments = content === '' ? [] : [...comments, content];
      continue;
    }
    if (line.trim() === '') {
      comments = [];
      continue;
    }
    const start = reader.line;
    const joined = joinContinued(line, reader, escapeToken);
    if (joined.hadEmptyLine) emptyContinuations.push(lineRange(reader.line));
    if (joined.text.trim() === '') continue;
    nodes.push(readNode(joined.text, { reader, start, escapeToken, comments }));
    comments = [];
  }
  if (nodes.length === 0) throw new SourceError('file with no instructions', lineRange(reader.line));
  return { nodes, escapeToken, directives, emptyContinuations };
}

function escapeOf(directives: readonly Directive[]): string {
  const directive = directives.find(({ name }) => name === 'escape');
  if (directive === undefined) return '\\';
  if (directive.value === '\\' || directive.value === '`') return directive.value;
  throw new SourceError(`invalid escape token '${directive.value}' does not match \` or \\`, directive.ranges);
}

class LineReader {
  readonly #lines: string[];
  /** Of the line that came last, from 1. */
  line = 0;

  constructor(text: string) {
    // Lines keep their ends: the content of heredocs needs them.
    this.#lines = text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
  }

  get ended(): boolean {
    return this.line >= this.#lines.length;
  }

  next(): string {
    return this.#lines[this.line++]!;
  }
}

interface Joined {
  readonly text: string;
  readonly hadEmptyLine: boolean;
}

/** An escape at the end of a line, not escaped itself, continues it; comments in between vanish. */
function joinContinued(first: string, reader: LineReader, escapeToken: string): Joined {
  const token = escapeToken === '\\' ? '\\\\' : '`';
  const continuation = new RegExp(`([^${token}])${token}[ \\t]*$|^${token}[ \\t]*$`);
  let hadEmptyLine = false;
  let part = trimEnd(first).trimStart();
  let text = '';
  for (;;) {
    if (!continuation.test(part)) return { text: text + part, hadEmptyLine };
    text += part.replace(continuation, '$1');
    for (;;) {
      if (reader.ended) return { text, hadEmptyLine };
      part = trimEnd(reader.next());
      if (comment.test(part)) continue;
      if (part.trim() !== '') break;
      hadEmptyLine = true;
    }
  }
}

function trimEnd(line: string): string {
  return line.replace(/[\r\n]+$/, '');
}

interface NodeContext {
  readonly reader: LineReader;
  readonly start: number;
  readonly escapeToken: string;
  readonly comments: readonly string[];
}

function readNode(original: string, { reader, start, escapeToken, comments }: NodeContext): Node {
  try {
    const { keyword, flags, rest } = splitInstruction(original);
    const name = keyword.toLowerCase();
    const parsed = (argumentParsers[name] ?? (() => ({ args: [], json: false })))(rest, escapeToken);
    const heredocs = mayHaveHeredocs(name, rest, parsed, escapeToken) ? readHeredocs(original, reader) : [];
    const ranges = lineRange(start, reader.line);
    return { keyword, name, flags, ...parsed, heredocs, original, ranges, comments };
  } catch (thrown) {
    throw locate(thrown, lineRange(start, reader.line));
  }
}

function mayHaveHeredocs(name: string, rest: string, { json }: Arguments, escapeToken: string): boolean {
  if (name !== 'onbuild') return heredocInstructions.has(name) && !json;
  const trigger = splitInstruction(rest);
  const inner = trigger.keyword.toLowerCase();
  const parse = argumentParsers[inner];
  return (
    parse !== undefined &&
    inner !== 'onbuild' &&
    mayHaveHeredocs(inner, trigger.rest, parse(trigger.rest, escapeToken), escapeToken)
  );
}

function readHeredocs(line: string, reader: LineReader): Heredoc[] {
  return heredocsOfLine(line).map((heredoc) => {
    let content = '';
    for (;;) {
      if (reader.ended) throw invalidArgument('unterminated heredoc');
      const next = reader.next();
      const bare = trimEnd(next);
      if ((heredoc.chomp ? bare.replace(/^\t+/, '') : bare) === heredoc.name) return { ...heredoc, content };
      content += next;
    }
  });
}
