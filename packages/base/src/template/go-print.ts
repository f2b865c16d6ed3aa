/** `fmt.Sprint` of a value decoded from JSON: maps by sorted keys, lists in brackets. */
export function goPrint(value: unknown, nested = false): string {
  if (value === undefined) return nested ? '<nil>' : '<no value>';
  if (value === null) return '<nil>';
  switch (typeof value) {
    case 'string':
      return value;
    case 'number':
      return goNumber(value);
    case 'object':
      return goPrintObject(value);
    default:
      return String(value);
  }
}

function goPrintObject(value: object): string {
  if (Array.isArray(value)) return `[${value.map((item) => goPrint(item, true)).join(' ')}]`;
  const own = Object.entries(value);
  const custom: unknown = Reflect.get(value, goString);
  if (typeof custom === 'string') return custom;
  own.sort(([a], [b]) => (a < b ? -1 : 1));
  return `map[${own.map(([key, item]) => `${key}:${goPrint(item, true)}`).join(' ')}]`;
}

/** An object's own text, as Go's `String()` method gives it. */
export const goString = Symbol('Go String()');

// Numbers of raw JSON are float64 in Go: large ones print with an exponent.
function goNumber(value: number): string {
  if (Number.isInteger(value)) return String(value);
  const exponent = Math.floor(Math.log10(Math.abs(value)));
  return exponent < -4 || exponent >= 21 ? formatGeneral(value, 17) : String(value);
}

/** `fmt.Sprintf` for the verbs that templates use. */
export function goPrintf(format: string, args: readonly unknown[]): string {
  let next = 0;
  const text = format.replace(
    /%([-+# 0]*)(\d+|\*)?(?:\.(\d+|\*)?)?([a-zA-Z%])/g,
    (spec, flags: string, width: string | undefined, precision: string | undefined, verb: string) => {
      if (verb === '%') return '%';
      const columns = width === '*' ? Number(args[next++]) : Number(width ?? 0);
      const digits = spec.includes('.')
        ? precision === '*'
          ? Number(args[next++])
          : Number(precision ?? 0)
        : undefined;
      if (next >= args.length) return `%!${verb}(MISSING)`;
      const body = formatVerb(verb, args[next++], flags, digits);
      if (flags.includes('-')) return body.padEnd(columns);
      if (flags.includes('0') && /^[-+]?\d/.test(body)) {
        const sign = /^[-+]/.test(body) ? body.slice(0, 1) : '';
        return sign + body.slice(sign.length).padStart(columns - sign.length, '0');
      }
      return body.padStart(columns);
    },
  );
  const extra = args.slice(next).map((arg) => `${goType(arg)}=${goPrint(arg, true)}`);
  return extra.length === 0 ? text : `${text}%!(EXTRA ${extra.join(', ')})`;
}

function formatVerb(verb: string, value: unknown, flags: string, digits: number | undefined): string {
  const sign = flags.includes('+') && typeof value === 'number' && value >= 0 ? '+' : '';
  switch (verb) {
    case 'v':
      return typeof value === 'object' || value === undefined ? goPrint(value, true) : sign + goPrint(value, true);
    case 's':
      if (typeof value === 'number' || typeof value === 'boolean') return `%!s(${goType(value)}=${goPrint(value)})`;
      return digits === undefined ? goPrint(value, true) : [...goPrint(value, true)].slice(0, digits).join('');
    case 'q':
      return typeof value === 'string' ? goQuote(value) : `%!q(${goType(value)}=${goPrint(value, true)})`;
    case 'd':
      return typeof value === 'number'
        ? sign + String(Math.trunc(value))
        : `%!d(${goType(value)}=${goPrint(value, true)})`;
    case 't':
      return typeof value === 'boolean' ? String(value) : `%!t(${goType(value)}=${goPrint(value, true)})`;
    case 'x':
      return typeof value === 'number' ? value.toString(16) : Buffer.from(goPrint(value, true)).toString('hex');
    case 'X':
      return typeof value === 'number'
        ? value.toString(16).toUpperCase()
        : Buffer.from(goPrint(value, true)).toString('hex').toUpperCase();
    case 'o':
      return Number(value).toString(8);
    case 'b':
      return Number(value).toString(2);
    case 'c':
      return String.fromCodePoint(Number(value));
    case 'f':
    case 'F':
      return sign + Number(value).toFixed(digits ?? 6);
    case 'e':
      return (
        sign +
        Number(value)
          .toExponential(digits ?? 6)
          .replace(/e([-+])(\d)$/, 'e$10$2')
      );
    case 'g':
      return sign + (digits === undefined ? String(value) : formatGeneral(Number(value), digits));
    case 'T':
      return goType(value);
    default:
      return `%!${verb}(${goType(value)}=${goPrint(value, true)})`;
  }
}

export function goType(value: unknown): string {
  if (value === null || value === undefined) return '<nil>';
  if (Array.isArray(value)) return '[]interface {}';
  switch (typeof value) {
    case 'string':
      return 'string';
    case 'boolean':
      return 'bool';
    case 'number':
      return Number.isInteger(value) ? 'int' : 'float64';
    default:
      return 'map[string]interface {}';
  }
}

/** `strconv.Quote`: printable characters as they are, the rest escaped. */
export function goQuote(text: string): string {
  if (/^[ !#-[\]-~]*$/.test(text)) return `"${text}"`;
  let quoted = '"';
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    const known = escapes[character];
    if (known !== undefined) quoted += known;
    else if (code < 0x20 || code === 0x7f) quoted += `\\x${code.toString(16).padStart(2, '0')}`;
    else if (/[\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.test(character)) quoted += character;
    else if (code < 0x10000) quoted += `\\u${code.toString(16).padStart(4, '0')}`;
    else quoted += `\\U${code.toString(16).padStart(8, '0')}`;
  }
  return `${quoted}"`;
}

const escapes: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\u0007': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
};

/** C's %.<precision>g. */
export function formatGeneral(value: number, precision: number): string {
  if (value === 0) return '0';
  const exponential = value.toExponential(precision - 1);
  const exponent = Number(exponential.slice(exponential.indexOf('e') + 1));
  if (exponent < -4 || exponent >= precision) {
    const [mantissa = ''] = exponential.split('e');
    const sign = exponent < 0 ? '-' : '+';
    return `${trimZeros(mantissa)}e${sign}${String(Math.abs(exponent)).padStart(2, '0')}`;
  }
  return trimZeros(value.toFixed(Math.max(0, precision - 1 - exponent)));
}

function trimZeros(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}
