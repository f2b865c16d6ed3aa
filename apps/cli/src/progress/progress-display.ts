import type { StatusResponse } from '@wharf/build/pb/control_pb';

/** Shows how builds go on. */
export interface ProgressDisplay {
  /** `prefix` tells one of several builds. */
  add(status: StatusResponse, prefix?: string): void;
  /** All has been told. */
  end(): void;
}

/** As BuildKit's clients write amounts: decimal, two digits. */
export function formatBytes(count: number): string {
  if (count < 1000) return `${count}B`;
  const units = ['kB', 'MB', 'GB', 'TB', 'PB'];
  let value = count;
  let unit = 'B';
  for (const next of units) {
    if (value < 1000) break;
    value /= 1000;
    unit = next;
  }
  return `${value.toFixed(2)}${unit}`;
}

/** `1.2MB / 5MB`, or nothing where nothing is known. */
export function formatAmount(current: number, total: number): string {
  if (total > 0) return ` ${formatBytes(current)} / ${formatBytes(total)}`;
  return current > 0 ? ` ${formatBytes(current)}` : '';
}
