/** An instruction's line in its three parts. */
export interface InstructionLine {
  readonly keyword: string;
  readonly flags: readonly string[];
  readonly rest: string;
}

export function splitInstruction(line: string): InstructionLine {
  const match = /^(\S+)(?:[\t\v\f\r ]+([\s\S]*))?$/.exec(line.trim());
  const { flags, rest } = takeFlags((match?.[2] ?? '').trim());
  return { keyword: match?.[1] ?? '', flags, rest: rest.trim() };
}

/** Leading words that begin with `--`; blanks in them may be quoted or escaped. A bare `--` ends them. */
function takeFlags(text: string): { flags: string[]; rest: string } {
  const flags: string[] = [];
  let at = 0;
  for (;;) {
    while (at < text.length && /\s/.test(text[at]!)) at++;
    if (!text.startsWith('--', at)) return { flags, rest: text.slice(at) };
    const { word, end } = takeWord(text, at);
    if (word === '--') return { flags, rest: text.slice(end) };
    flags.push(word);
    at = end;
  }
}

function takeWord(text: string, start: number): { word: string; end: number } {
  let word = '';
  let quote = '';
  let at = start;
  for (; at < text.length; at++) {
    const letter = text[at]!;
    if (letter === '\\') {
      if (at + 1 < text.length) word += text[++at];
    } else if (letter === quote) quote = '';
    else if (quote === '' && (letter === "'" || letter === '"')) quote = letter;
    else if (quote === '' && /\s/.test(letter)) break;
    else word += letter;
  }
  return { word, end: at };
}
