import { knownCapabilities } from '../spec/capabilities.ts';

const bits = new Map<string, bigint>(knownCapabilities.map((name, bit) => [name, 1n << BigInt(bit)]));

/** Capabilities by name as the kernel's mask. */
export function capabilityBits(names: readonly string[]): bigint {
  let mask = 0n;
  for (const name of names) mask |= bits.get(name) ?? 0n;
  return mask;
}
