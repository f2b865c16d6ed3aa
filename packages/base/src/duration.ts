import { invalidArgument } from './error.ts';

const unitNanos: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

/** Reads Go's durations (`1h30m`, `1.5s`, `-300ms`, `0`) as nanoseconds; `undefined` if it is not one. */
export function tryParseDuration(text: string): bigint | undefined {
  const match = /^([-+]?)(.*)$/s.exec(text)!;
  const [, sign = '', rest = ''] = match;
  if (rest === '0') return 0n;
  const part = /(\d*)(?:\.(\d*))?(ns|us|µs|μs|ms|s|m|h)/y;
  let total = 0n;
  while (part.lastIndex < rest.length || rest === '') {
    const found = part.exec(rest);
    if (!found || (!found[1] && !found[2])) return undefined;
    const unit = unitNanos[found[3]!]!;
    total += BigInt(found[1] || '0') * unit;
    const fraction = found[2] ?? '';
    if (fraction) total += (BigInt(fraction) * unit) / 10n ** BigInt(fraction.length);
  }
  return sign === '-' ? -total : total;
}

/** As `tryParseDuration`; throws Go's `time: invalid duration "x"`. */
export function parseDuration(text: string): bigint {
  const nanos = tryParseDuration(text);
  if (nanos === undefined) throw invalidArgument(`time: invalid duration ${JSON.stringify(text)}`);
  return nanos;
}
