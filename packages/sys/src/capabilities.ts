import { readFileSync } from 'node:fs';

/** Bit numbers of this process's bounding set: what can be passed on to a child at all. */
export function readBoundingSet(statusFile = '/proc/self/status'): ReadonlySet<number> {
  const line = /^CapBnd:\s*([0-9a-f]+)$/m.exec(readFileSync(statusFile, 'utf8'));
  const mask = BigInt(`0x${line?.[1] ?? '0'}`);
  const bits = new Set<number>();
  for (let bit = 0; bit < 64; bit++) {
    if ((mask >> BigInt(bit)) & 1n) bits.add(bit);
  }
  return bits;
}
