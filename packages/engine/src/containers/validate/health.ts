import type { HealthConfig } from '@wharf/api/container';
import { invalidArgument } from '@wharf/base/error';

const millisecond = 1_000_000;

/** 0 inherits; anything else is at least a millisecond. */
export function validateHealthcheck(health: HealthConfig | null): void {
  if (!health) return;
  requireDuration('Interval', health.Interval);
  requireDuration('Timeout', health.Timeout);
  if (health.Retries < 0) throw invalidArgument('Retries in Healthcheck cannot be negative');
  requireDuration('StartPeriod', health.StartPeriod);
  requireDuration('StartInterval', health.StartInterval);
}

function requireDuration(field: string, nanoseconds: number): void {
  if (nanoseconds !== 0 && nanoseconds < millisecond) {
    throw invalidArgument(`${field} in Healthcheck cannot be less than 1ms`);
  }
}
