import { parsePointInTime } from '@wharf/base/point-in-time';

/** A time or a duration before now as the API takes it: `seconds.nanoseconds`. Throws docker's message. */
export function parsePoint(text: string): string {
  const nanos = parsePointInTime(text);
  const seconds = nanos / 1_000_000_000n;
  const fraction = nanos % 1_000_000_000n;
  return `${seconds}.${String(fraction).padStart(9, '0')}`;
}
