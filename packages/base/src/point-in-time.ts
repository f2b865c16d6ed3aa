import { tryParseDuration } from './duration.ts';
import { invalidArgument } from './error.ts';
import { nowNanos } from './timestamp.ts';

const unixSeconds = /^(-?\d+)(?:\.(\d{1,9})\d*)?$/;
const calendar = /^(\d{4}-\d{2}-\d{2})(?:T(\d{2})(?::(\d{2}))?(?::(\d{2})(?:\.(\d{1,9})\d*)?)?)?(Z|[-+]\d{2}:\d{2})?$/;

/**
 * Reads what `since` and `until` may hold, as nanoseconds since 1970: unix seconds with a fraction, RFC 3339 (also
 * cut short after the day, hour or minute; without a zone it is local time), or a Go duration before now.
 */
export function parsePointInTime(text: string, now: bigint = nowNanos()): bigint {
  const seconds = unixSeconds.exec(text);
  if (seconds) {
    const whole = BigInt(seconds[1]!) * 1_000_000_000n;
    const fraction = nanosOf(seconds[2]);
    return text.startsWith('-') ? whole - fraction : whole + fraction;
  }
  const duration = tryParseDuration(text);
  if (duration !== undefined) return now - duration;
  const date = calendar.exec(text);
  if (date) {
    const [, day, hour = '00', minute = '00', second = '00', fraction, zone = ''] = date;
    // A date alone is UTC to Date.parse, so it always gets a time of day.
    const milliseconds = Date.parse(`${day}T${hour}:${minute}:${second}${zone}`);
    if (!Number.isNaN(milliseconds)) return BigInt(milliseconds) * 1_000_000n + nanosOf(fraction);
  }
  throw invalidArgument(`failed to parse value as time or duration: ${JSON.stringify(text)}`);
}

function nanosOf(fraction = ''): bigint {
  return BigInt(fraction.padEnd(9, '0'));
}
