/** A template that cannot be read; the message is Go's, with the line. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError';
}

export type TokenKind =
  | 'text'
  | 'open'
  | 'close'
  | 'field'
  | 'variable'
  | 'word'
  | 'string'
  | 'char'
  | 'number'
  | 'pipe'
  | 'declare'
  | 'assign'
  | 'comma'
  | 'left'
  | 'right'
  | 'dot'
  | 'space'
  | 'end';

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  /** Offset in the template. */
  readonly at: number;
}

const patterns: readonly (readonly [TokenKind, RegExp])[] = [
  ['space', /[ \t\r\n]+/y],
  ['field', /\.[A-Za-z_][A-Za-z0-9_]*/y],
  ['number', /[+-]?(?:0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|\d[\d_]*\.?\d*(?:[eE][+-]?\d+)?|\.\d+)/y],
  ['dot', /\./y],
  ['variable', /\$[A-Za-z0-9_]*/y],
  ['word', /[A-Za-z_][A-Za-z0-9_]*/y],
  ['string', /"(?:[^"\\\n]|\\.)*"|`[^`]*`/y],
  ['char', /'(?:[^'\\\n]|\\.)*'/y],
  ['declare', /:=/y],
  ['assign', /=/y],
  ['pipe', /\|/y],
  ['comma', /,/y],
  ['left', /\(/y],
  ['right', /\)/y],
];

/** Splits a template into text and the tokens of its actions; trim markers and comments are done with here. */
export function lexTemplate(source: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  let trimStart = false;
  for (;;) {
    const open = source.indexOf('{{', at);
    let text = source.slice(at, open < 0 ? undefined : open);
    if (trimStart) text = text.replace(/^[ \t\r\n]+/, '');
    const trimsLeft = open >= 0 && /^{{-[ \t\r\n]/.test(source.slice(open, open + 4));
    if (trimsLeft) text = text.replace(/[ \t\r\n]+$/, '');
    if (text !== '') tokens.push({ kind: 'text', text, at });
    if (open < 0) break;
    let inside = open + (trimsLeft ? 3 : 2);
    const comment = /\s*\/\*/y;
    comment.lastIndex = inside;
    if (comment.test(source)) {
      const close = source.indexOf('*/', inside);
      if (close < 0) throw fail(source, open, 'unclosed comment');
      const ending = /\s*( -)?}}/y;
      ending.lastIndex = close + 2;
      const match = ending.exec(source);
      if (!match) throw fail(source, open, 'comment ends before closing delimiter');
      trimStart = match[1] !== undefined;
      at = close + 2 + match[0].length;
      continue;
    }
    tokens.push({ kind: 'open', text: '{{', at: open });
    for (;;) {
      const ending = /(\s+-)?}}/y;
      ending.lastIndex = inside;
      const match = ending.exec(source);
      if (match) {
        tokens.push({ kind: 'close', text: '}}', at: inside });
        trimStart = match[1] !== undefined;
        at = inside + match[0].length;
        break;
      }
      if (inside >= source.length) throw fail(source, open, 'unclosed action');
      const token = lexAction(source, inside);
      tokens.push(token);
      inside += token.text.length;
    }
  }
  tokens.push({ kind: 'end', text: '', at: source.length });
  return tokens;
}

function lexAction(source: string, at: number): Token {
  for (const [kind, pattern] of patterns) {
    pattern.lastIndex = at;
    const match = pattern.exec(source);
    if (match) return { kind, text: match[0], at };
  }
  if (source[at] === '"') throw fail(source, at, 'unterminated quoted string');
  if (source[at] === '`') throw fail(source, at, 'unterminated raw quoted string');
  const code = source.codePointAt(at) ?? 0;
  const shown = String.fromCodePoint(code);
  throw fail(source, at, `unexpected ${JSON.stringify(shown)} in command`);
}

export function lineOf(source: string, at: number): number {
  return source.slice(0, at).split('\n').length;
}

export function fail(source: string, at: number, message: string): TemplateError {
  return new TemplateError(`template: :${lineOf(source, at)}: ${message}`);
}
