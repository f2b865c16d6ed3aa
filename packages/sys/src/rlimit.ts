import { check } from './errno.ts';
import { syscall } from './syscall.ts';

/** Resource numbers of getrlimit(2), by Docker's ulimit names. */
export const rlimitNumbers = {
  cpu: 0,
  fsize: 1,
  data: 2,
  stack: 3,
  core: 4,
  rss: 5,
  nproc: 6,
  nofile: 7,
  memlock: 8,
  as: 9,
  locks: 10,
  sigpending: 11,
  msgqueue: 12,
  nice: 13,
  rtprio: 14,
  rttime: 15,
} as const;

export type RlimitName = keyof typeof rlimitNumbers;

export interface Rlimit {
  /** -1 is unlimited. */
  readonly soft: number;
  readonly hard: number;
}

const infinity = 2n ** 64n - 1n;

export function readRlimit(name: RlimitName): Rlimit {
  const limits = new BigUint64Array(2);
  check(syscall('prlimit64', 0, rlimitNumbers[name], null, limits), `read the ${name} limit`);
  const toNumber = (value: bigint) => (value === infinity ? -1 : Number(value));
  return { soft: toNumber(limits[0]!), hard: toNumber(limits[1]!) };
}
