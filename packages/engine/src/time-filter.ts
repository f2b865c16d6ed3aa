import { invalidArgument } from '@wharf/base/error';
import { parsePointInTime } from '@wharf/base/point-in-time';

/** The `until` filter of prunes, as nanoseconds since 1970; undefined without a value. */
export function parseUntil(values: readonly string[]): bigint | undefined {
  if (values.length > 1) throw invalidArgument('more than one until filter specified');
  return values[0] === undefined ? undefined : parsePointInTime(values[0]);
}
