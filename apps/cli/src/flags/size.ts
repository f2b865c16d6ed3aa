import { parseDuration as parseNanos } from '@wharf/base/duration';
import { parseSize } from '@wharf/base/size';
import { UsageError } from './usage-error.ts';

export { parseSize };

/** As `parseSize`; -1 stands for unlimited swap. */
export function parseSwapSize(text: string): number {
  return text === '-1' ? -1 : parseSize(text);
}

/** `1.5` CPUs as billionths of one. */
export function parseCpus(text: string): number {
  const match = /^(\d+)?(?:\.(\d*))?$/.exec(text);
  if (!match || (match[1] === undefined && !match[2])) {
    throw new UsageError(`failed to parse ${text} as a rational number`);
  }
  const fraction = (match[2] ?? '').replace(/0+$/, '');
  if (fraction.length > 9) throw new UsageError('value is too precise');
  return Number(match[1] ?? '0') * 1e9 + Number(fraction.padEnd(9, '0'));
}

/** Nanoseconds of a Go duration: `1m30s`, `500ms`. */
export function parseDuration(text: string): number {
  if (/^[-+]?\d+(\.\d+)?$/.test(text) && Number(text) !== 0) {
    throw new UsageError(`time: missing unit in duration ${JSON.stringify(text)}`);
  }
  return Number(parseNanos(text));
}
