import { existsSync, readdirSync } from 'node:fs';

const masked = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/sys/devices/virtual/powercap',
  '/sys/firmware',
];

/** What a container may read but not write. */
export const defaultReadonlyPaths: readonly string[] = [
  '/proc/bus',
  '/proc/fs',
  '/proc/irq',
  '/proc/sys',
  '/proc/sysrq-trigger',
];

/** What a container may not see: sources of side channels and of secrets of the host. */
export function readDefaultMaskedPaths(sysDirectory = '/sys'): string[] {
  const cpus = `${sysDirectory}/devices/system/cpu`;
  const throttles = existsSync(cpus)
    ? readdirSync(cpus)
        .filter((name) => /^cpu\d+$/.test(name) && existsSync(`${cpus}/${name}/thermal_throttle`))
        .map((name) => `/sys/devices/system/cpu/${name}/thermal_throttle`)
    : [];
  return [...masked, ...throttles];
}
