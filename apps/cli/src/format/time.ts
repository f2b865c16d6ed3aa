import { humanDuration } from './units.ts';

/** `3 minutes ago` of Unix seconds. */
export function since(seconds: number, now: number = Date.now() / 1000): string {
  return `${humanDuration(now - seconds)} ago`;
}

/** Go's default text of a time in the local zone: `2026-01-02 15:04:05 +0000 UTC`. */
export function goTime(seconds: number): string {
  const date = new Date(seconds * 1000);
  return `${localDate(date)} ${localClock(date)} ${zoneOffset(date)} ${zoneName(date)}`;
}

export function localDate(date: Date): string {
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

export function localClock(date: Date): string {
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** `+0200` */
export function zoneOffset(date: Date): string {
  const minutes = -date.getTimezoneOffset();
  const sign = minutes < 0 ? '-' : '+';
  return `${sign}${two(Math.trunc(Math.abs(minutes) / 60))}${two(Math.abs(minutes) % 60)}`;
}

function zoneName(date: Date): string {
  if (date.getTimezoneOffset() === 0) return 'UTC';
  const part = new Intl.DateTimeFormat('en-US', { timeZoneName: 'short' })
    .formatToParts(date)
    .find(({ type }) => type === 'timeZoneName');
  return part && /^[A-Z]{2,5}$/.test(part.value) ? part.value : zoneOffset(date);
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

/** `2026-01-02T15:04:05+02:00` in the local zone. */
export function rfc3339(seconds: number): string {
  const date = new Date(seconds * 1000);
  const offset = zoneOffset(date);
  const zone = offset === '+0000' ? 'Z' : `${offset.slice(0, 3)}:${offset.slice(3)}`;
  return `${localDate(date)}T${localClock(date)}${zone}`;
}

/** As `goTime`, of an RFC 3339 text with its fraction. */
export function goTimeOf(text: string): string {
  const fraction = /\.(\d+)/.exec(text)?.[1]?.replace(/0+$/, '') ?? '';
  const whole = goTime(Math.floor(Date.parse(text) / 1000));
  return fraction === '' ? whole : whole.replace(/^(\S+ \S+)/, `$1.${fraction}`);
}
