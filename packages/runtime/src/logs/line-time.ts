/** The times of json-file lines, which are the only part of a line that stands for its place in the log. */

const key = ',"time":"';

/** The time of the line that begins at `from`; undefined for what is no line. */
export function timeOfLine(text: string, from = 0, end = text.length): string | undefined {
  // A quote inside the text or an attribute is escaped, so that the key is found in its own place alone.
  const at = text.lastIndexOf(key, end);
  if (at < from) return undefined;
  const begin = at + key.length;
  const close = text.indexOf('"', begin);
  return close < 0 || close > end ? undefined : nineDigits(text.slice(begin, close));
}

/** Go leaves trailing zeros of the fraction out; ours have nine digits, so that times compare as text. */
export function nineDigits(time: string): string {
  if (time.length === 30) return time;
  const match = /^([^.Z]*)(?:\.(\d*))?Z$/.exec(time);
  return match ? `${match[1]}.${(match[2] ?? '').padEnd(9, '0')}Z` : time;
}

/** Nanoseconds since 1970 of a time with nine digits. */
export function timeToNanos(time: string): bigint {
  const milliseconds = Date.parse(`${time.slice(0, 19)}Z`);
  return Number.isNaN(milliseconds) ? 0n : BigInt(milliseconds) * 1_000_000n + BigInt(time.slice(20, 29));
}
