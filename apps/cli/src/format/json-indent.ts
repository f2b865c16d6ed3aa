/**
 * Lays JSON text out by four spaces as Go's json.Indent does: literals stay exactly as the daemon wrote them, which
 * parsing and printing again would not keep for numbers beyond a double's precision.
 */
export function indentJson(text: string, indent = '    '): string {
  let result = '';
  let depth = 0;
  let at = 0;
  const literal = /"(?:[^"\\]|\\.)*"|[^\s{}[\],:"]+/y;
  while (at < text.length) {
    const character = text[at] ?? '';
    literal.lastIndex = at;
    const match = literal.exec(text);
    if (match) {
      result += match[0];
      at += match[0].length;
      continue;
    }
    at++;
    if (character === '{' || character === '[') {
      const closing = /\s*[}\]]/y;
      closing.lastIndex = at;
      const empty = closing.exec(text);
      if (empty) {
        result += character + empty[0].trim();
        at += empty[0].length;
      } else result += `${character}\n${indent.repeat(++depth)}`;
    } else if (character === '}' || character === ']') result += `\n${indent.repeat(--depth)}${character}`;
    else if (character === ',') result += `,\n${indent.repeat(depth)}`;
    else if (character === ':') result += ': ';
  }
  return result;
}
