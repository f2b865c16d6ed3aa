import { readFileSync } from 'node:fs';
import type { CgroupPaths } from './cgroup.ts';

/** Microseconds that tasks have waited: `some` at least one of them, `full` all at once. */
export interface Pressure {
  readonly some: number;
  readonly full: number;
}

export const pressureResources = ['cpu', 'memory', 'io'] as const;
export type PressureResource = (typeof pressureResources)[number];

/** Pressure stall information is of cgroup v2 only; undefined where the kernel keeps none. */
export function readPressure({ v2 }: CgroupPaths, resource: PressureResource): Pressure | undefined {
  if (v2 === undefined) return undefined;
  try {
    return parsePressure(readFileSync(`${v2}/${resource}.pressure`, 'utf8'));
  } catch {
    return undefined;
  }
}

/** `some avg10=0.00 avg60=0.00 avg300=0.00 total=123`: Documentation/accounting/psi.rst. */
export function parsePressure(text: string): Pressure | undefined {
  const total = (kind: string) => new RegExp(`^${kind} .*\\btotal=(\\d+)$`, 'm').exec(text)?.[1];
  const some = total('some');
  // Kernels before 5.13 tell no `full` of cpu.
  return some === undefined ? undefined : { some: Number(some), full: Number(total('full') ?? 0) };
}
