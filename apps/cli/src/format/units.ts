import { formatGeneral } from '@wharf/base/template/go-print';

/** 1234567 as `1.235MB`: powers of 1000, `precision` significant digits. go-units HumanSize */
export function humanSize(bytes: number, precision = 4): string {
  return scaled(bytes, 1000, ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB', 'ZB', 'YB'], precision);
}

/** As `humanSize` in powers of 1024: `3.841GiB`. go-units BytesSize */
export function binarySize(bytes: number): string {
  return scaled(bytes, 1024, ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB', 'ZiB', 'YiB'], 4);
}

function scaled(bytes: number, base: number, units: readonly string[], precision: number): string {
  let size = bytes;
  let unit = 0;
  while (size >= base && unit < units.length - 1) {
    size /= base;
    unit++;
  }
  return `${formatGeneral(size, precision)}${units[unit]}`;
}

/** A span of seconds as people say it: `About a minute`, `3 weeks`. go-units HumanDuration */
export function humanDuration(totalSeconds: number): string {
  const seconds = Math.trunc(totalSeconds);
  if (seconds < 1) return 'Less than a second';
  if (seconds === 1) return '1 second';
  if (seconds < 60) return `${seconds} seconds`;
  const minutes = Math.trunc(totalSeconds / 60);
  if (minutes === 1) return 'About a minute';
  if (minutes < 60) return `${minutes} minutes`;
  const hours = Math.trunc(totalSeconds / 3600 + 0.5);
  if (hours === 1) return 'About an hour';
  if (hours < 48) return `${hours} hours`;
  if (hours < 24 * 7 * 2) return `${Math.trunc(hours / 24)} days`;
  if (hours < 24 * 30 * 2) return `${Math.trunc(hours / 24 / 7)} weeks`;
  if (hours < 24 * 365 * 2) return `${Math.trunc(hours / 24 / 30)} months`;
  return `${Math.trunc(totalSeconds / 3600 / 24 / 365)} years`;
}

/** The first twelve digits of an id, without its algorithm. */
export function truncateId(id: string): string {
  return id.replace(/^[^:]*:/, '').slice(0, 12);
}

/** At most `columns` wide, the last one an ellipsis where something was cut. */
export function ellipsis(text: string, columns: number): string {
  if (Bun.stringWidth(text) <= columns) return text;
  if (columns <= 0) return '';
  if (/^[ -~]*$/.test(text)) return `${text.slice(0, columns - 1)}…`;
  let kept = '';
  let width = 0;
  for (const character of text) {
    width += Bun.stringWidth(character);
    if (width >= columns) break;
    kept += character;
  }
  return `${kept}…`;
}
