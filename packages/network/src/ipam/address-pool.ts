import { type Address, type Prefix, prefixContains, prefixSize } from '../address.ts';

export interface AddressPoolOptions {
  readonly subnet: Prefix;
  /** Where addresses are taken from that nobody asked for; the whole subnet without it. */
  readonly range?: Prefix;
  /** Never given away: gateway, auxiliary addresses. */
  readonly reserved: readonly Address[];
}

export type AllocateFailure = 'in_use' | 'out_of_subnet' | 'exhausted';

/**
 * The addresses of one subnet. A released address is given again as late as possible: the kernel takes a moment
 * to remove the interface that had it, and neighbours remember its MAC.
 */
export class AddressPool {
  readonly subnet: Prefix;
  readonly #range: Prefix;
  readonly #used = new Set<bigint>();
  readonly #reserved = new Set<bigint>();
  #next: bigint;

  constructor({ subnet, range, reserved }: AddressPoolOptions) {
    this.subnet = subnet;
    this.#range = range ?? subnet;
    this.#next = this.#range.base;
    for (const { value } of reserved) this.#reserved.add(value);
    // A /31 (RFC 3021) or /127 (RFC 6164) has no network or broadcast address.
    if (prefixSize(subnet) > 2n) {
      this.#reserved.add(subnet.base);
      if (subnet.family === 4) this.#reserved.add(subnet.base + prefixSize(subnet) - 1n);
    }
  }

  /** Docker's count of a subnet: reserved addresses are in use too; what is left counts inside the range. */
  get use(): { inUse: number; available: number } {
    const taken = [...this.#reserved, ...this.#used];
    const { family } = this.#range;
    const inRange = taken.filter((value) => prefixContains(this.#range, { family, value })).length;
    const available = prefixSize(this.#range) - BigInt(inRange);
    const limit = BigInt(Number.MAX_SAFE_INTEGER);
    return { inUse: taken.length, available: Number(available < limit ? available : limit) };
  }

  /** Takes the next free address. */
  allocate(): Address | AllocateFailure {
    const { base, family } = this.#range;
    const size = prefixSize(this.#range);
    // Every skipped candidate is in one of the two sets, so that the search is bounded by their sizes.
    const limit = BigInt(this.#used.size + this.#reserved.size + 1);
    for (let step = 0n; step < size && step <= limit; step++) {
      const value = base + ((this.#next - base + step) % size);
      if (this.#used.has(value) || this.#reserved.has(value)) continue;
      this.#used.add(value);
      this.#next = base + ((value - base + 1n) % size);
      return { family, value };
    }
    return 'exhausted';
  }

  /** Takes this address, inside the range or not. */
  allocateExactly(address: Address): Address | AllocateFailure {
    if (!prefixContains(this.subnet, address)) return 'out_of_subnet';
    if (this.#used.has(address.value) || this.#reserved.has(address.value)) return 'in_use';
    this.#used.add(address.value);
    return address;
  }

  release({ value }: Address): void {
    this.#used.delete(value);
  }
}
