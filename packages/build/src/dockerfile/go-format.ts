/** Go's `%q`: for histories that are to read as BuildKit's. */
export function quote(text: string): string {
  let out = '"';
  for (const letter of text) {
    const code = letter.codePointAt(0)!;
    if (letter === '"' || letter === '\\') out += `\\${letter}`;
    else if (letter === '\n') out += '\\n';
    else if (letter === '\t') out += '\\t';
    else if (letter === '\r') out += '\\r';
    else if (letter === '\x07') out += '\\a';
    else if (letter === '\b') out += '\\b';
    else if (letter === '\f') out += '\\f';
    else if (letter === '\v') out += '\\v';
    else if (code < 0x20 || code === 0x7f) out += `\\x${code.toString(16).padStart(2, '0')}`;
    else out += letter;
  }
  return `${out}"`;
}

/** Go's `%q` of a slice of strings. */
export function quoteList(items: readonly string[]): string {
  return `[${items.map(quote).join(' ')}]`;
}

/** Go's `time.Duration.String`. */
export function formatDuration(nanoseconds: bigint): string {
  if (nanoseconds === 0n) return '0s';
  if (nanoseconds < 0n) return `-${formatDuration(-nanoseconds)}`;
  if (nanoseconds < 1_000n) return `${nanoseconds}ns`;
  if (nanoseconds < 1_000_000n) return `${fraction(nanoseconds, 1_000n)}µs`;
  if (nanoseconds < 1_000_000_000n) return `${fraction(nanoseconds, 1_000_000n)}ms`;
  const minutes = nanoseconds / 60_000_000_000n;
  const seconds = `${fraction(nanoseconds % 60_000_000_000n, 1_000_000_000n)}s`;
  if (minutes === 0n) return seconds;
  if (minutes < 60n) return `${minutes}m${seconds}`;
  return `${minutes / 60n}h${minutes % 60n}m${seconds}`;
}

function fraction(value: bigint, unit: bigint): string {
  const rest = (value % unit)
    .toString()
    .padStart(unit.toString().length - 1, '0')
    .replace(/0+$/, '');
  return `${value / unit}${rest === '' ? '' : `.${rest}`}`;
}
