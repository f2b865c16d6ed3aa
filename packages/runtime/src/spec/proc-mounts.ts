import { posix } from 'node:path';
import { EngineError } from '@wharf/base/error';

/** Files that lxcfs and the like put their own over; runc lets the same ones be. */
const replaceable = new Set(
  [
    ...['cpuinfo', 'diskstats', 'meminfo', 'stat', 'swaps', 'uptime', 'loadavg', 'slabinfo', 'net/dev'],
    ...['sys/kernel/ns_last_pid', 'sys/crypto/fips_enabled'],
  ].map((name) => `/proc/${name}`),
);

/**
 * Nothing lies over /proc: a runtime that confines a process by files of a false one confines nothing, and what is
 * masked would show again. runc refuses this itself, crun 1.8 does not. CVE-2019-16884
 */
export function refuseOverProc(destination: string, source: string): void {
  const path = posix.resolve('/', destination);
  const isWhole = path === '/proc';
  if (isWhole ? source === '/proc' : !path.startsWith('/proc/') || replaceable.has(path)) return;
  const why = isWhole ? 'because it is not of type proc' : 'because it is inside /proc';
  throw new EngineError('invalid_argument', `"${path}" cannot be mounted ${why}`);
}
