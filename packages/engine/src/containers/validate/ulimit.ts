import type { Ulimit } from '@wharf/api/container';
import { invalidArgument } from '@wharf/base/error';
import { rlimitNumbers } from '@wharf/sys/rlimit';

/** -1 is unlimited. */
export function validateUlimit({ Name, Soft, Hard }: Ulimit): void {
  if (!Object.hasOwn(rlimitNumbers, Name)) throw invalidArgument(`invalid ulimit type: ${Name}`);
  if (Soft < -1 || Hard < -1) throw invalidArgument(`invalid ulimit value: ${Name}=${Soft}:${Hard}`);
  if (Hard !== -1 && (Soft === -1 || Soft > Hard)) {
    throw invalidArgument(`ulimit soft limit must be less than or equal to hard limit: ${Soft} > ${Hard}`);
  }
}
