import { expand } from '../shell-lex.ts';

export interface Heredoc {
  readonly name: string;
  /** False where the name was quoted. */
  readonly expand: boolean;
  /** `<<-`: leading tabs go away. */
  readonly chomp: boolean;
  readonly fileDescriptor: number;
  /** Without the terminating line; tabs still in place. */
  readonly content: string;
}

const none = new Map<string, string>();
const wordPattern = /^(\d*)<<(-?)([^<]*)$/;

/** A word such as `<<EOF`, `3<<-"END"`; undefined for any other. */
export function parseHeredocWord(word: string): Heredoc | undefined {
  const match = wordPattern.exec(word);
  const rest = match?.[3];
  if (!match || !rest) return undefined;
  const plain = lexed(rest, false);
  const raw = lexed(rest, true);
  if (plain?.length !== 1 || raw?.length !== 1) return undefined;
  const name = plain[0]!;
  return {
    name,
    expand: quotes(name) === quotes(raw[0]!),
    chomp: match[2] === '-',
    fileDescriptor: Number(match[1] || '0'),
    content: '',
  };
}

/** Those that a line announces, in order. */
export function heredocsOfLine(line: string): Heredoc[] {
  let words: readonly string[];
  try {
    words = expand(line, none, { rawQuotes: true, rawEscapes: true, keepUnset: true }).words;
  } catch {
    // A quote without an end is the shell's business.
    return [];
  }
  return words.map(parseHeredocWord).filter((heredoc) => heredoc !== undefined);
}

export function heredocText({ content, chomp }: Pick<Heredoc, 'content' | 'chomp'>): string {
  return chomp ? content.replace(/^\t+/gm, '') : content;
}

function lexed(text: string, rawQuotes: boolean): readonly string[] | undefined {
  try {
    return expand(text, none, { rawQuotes, keepUnset: true }).words;
  } catch {
    return undefined;
  }
}

function quotes(text: string): number {
  return text.match(/['"]/g)?.length ?? 0;
}
