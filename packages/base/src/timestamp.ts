/**
 * The wall clock in nanoseconds since 1970. Milliseconds come from the system's clock, the digits below from the
 * monotonic one, so that two events in the same millisecond keep their order.
 */
export function nowNanos(): bigint {
  const wall = Date.now();
  const monotonic = performance.now();
  if (Math.abs(anchor.wall + (monotonic - anchor.monotonic) - wall) > 2) anchor = { wall, monotonic };
  const elapsedNanos = BigInt(Math.round((monotonic - anchor.monotonic) * 1e6));
  const nanos = BigInt(anchor.wall) * 1_000_000n + elapsedNanos;
  last = nanos > last || last - nanos > 1_000_000_000n ? nanos : last + 1n;
  return last;
}

let anchor = { wall: Date.now(), monotonic: performance.now() };
let last = 0n;

/** Go's RFC3339Nano in UTC: the fraction has no trailing zeros. */
export function formatNanos(nanos: bigint): string {
  const seconds = nanos / 1_000_000_000n;
  const fraction = (nanos % 1_000_000_000n).toString().padStart(9, '0').replace(/0+$/, '');
  const whole = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
  return fraction === '' ? `${whole}Z` : `${whole}.${fraction}Z`;
}

/** Now, as objects carry it: `2026-01-02T03:04:05.123456789Z`. */
export function timestamp(): string {
  return formatNanos(nowNanos());
}

/** Go's zero time: what `StartedAt` shows before the first start. */
export const zeroTime = '0001-01-01T00:00:00Z';
