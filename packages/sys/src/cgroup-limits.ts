import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { CgroupPaths } from './cgroup.ts';
import { hasErrno } from './errno.ts';

/** Limits in the terms of cgroup v1, as the OCI runtime spec has them; what is absent stays as it is. */
export interface CgroupLimits {
  /** Bytes; with `swap` where that has a limit too. */
  readonly memory?: number;
  /** Memory plus swap, bytes; -1 is unlimited. */
  readonly swap?: number;
  readonly reservation?: number;
  readonly shares?: number;
  /** Microseconds; both, or neither. A quota of -1 is unlimited. */
  readonly period?: number;
  readonly quota?: number;
  readonly realtimePeriod?: number;
  readonly realtimeRuntime?: number;
  readonly cpus?: string;
  readonly mems?: string;
  /** -1 is unlimited. */
  readonly pids?: number;
  /** 10 to 1000. */
  readonly blockIoWeight?: number;
}

export interface LimitWrite {
  readonly file: string;
  readonly value: string;
}

/** What has to be written where, in an order that the kernel takes: each step must be possible by itself. */
export function planLimits(limits: CgroupLimits, paths: CgroupPaths): LimitWrite[] {
  const { v1, v2 = '' } = paths;
  return [
    ...planMemory(limits, v1.get('memory'), v2),
    ...planCpu(limits, v1.get('cpu'), v2),
    ...planCpuset(limits, v1.get('cpuset') ?? v2),
    ...planPids(limits, v1.get('pids') ?? v2),
    ...planBlockIo(limits, v1.get('blkio'), v2),
  ];
}

/** Writes all of it, or puts back what was there. Throws Node's error of the write that failed. */
export function applyLimits(writes: readonly LimitWrite[]): void {
  const before: LimitWrite[] = [];
  try {
    for (const { file, value } of writes) {
      const old = readFileSync(file, 'utf8').trim();
      writeFileSync(file, value, { flag: 'r+' });
      before.unshift({ file, value: old });
    }
  } catch (error) {
    for (const { file, value } of before) restore(file, value);
    throw error;
  }
}

function restore(file: string, value: string): void {
  try {
    writeFileSync(file, value, { flag: 'r+' });
  } catch (error) {
    // The cgroup is gone, or its processes use more by now: the first error is the one to tell.
    if (!hasErrno(error, 'ENOENT') && !hasErrno(error, 'EBUSY') && !hasErrno(error, 'EINVAL')) throw error;
  }
}

function planMemory(limits: CgroupLimits, v1: string | undefined, v2: string): LimitWrite[] {
  const { memory, swap, reservation } = limits;
  if (v1 === undefined) {
    return [
      // memory.swap.max is of swap alone.
      ...write(`${v2}/memory.swap.max`, swap === undefined ? undefined : swapAlone(memory ?? 0, swap)),
      ...write(`${v2}/memory.max`, memory),
      ...write(`${v2}/memory.low`, reservation),
    ];
  }
  const limit = write(`${v1}/memory.limit_in_bytes`, memory);
  const both = existsSync(`${v1}/memory.memsw.limit_in_bytes`) ? write(`${v1}/memory.memsw.limit_in_bytes`, swap) : [];
  // The kernel keeps memory below memory plus swap at every moment. cgroup-v1/memory.rst
  const grows = swap === -1 || (swap ?? 0) > currentMemory(v1);
  return [
    ...(grows ? [...both, ...limit] : [...limit, ...both]),
    ...write(`${v1}/memory.soft_limit_in_bytes`, reservation),
  ];
}

function swapAlone(memory: number, swap: number): number | 'max' {
  return swap === -1 ? 'max' : Math.max(swap - memory, 0);
}

function currentMemory(directory: string): number {
  return Number(readFileSync(`${directory}/memory.limit_in_bytes`, 'utf8'));
}

function planCpu(limits: CgroupLimits, v1: string | undefined, v2: string): LimitWrite[] {
  const { shares, period, quota, realtimePeriod, realtimeRuntime } = limits;
  if (v1 === undefined) {
    const max = period === undefined || quota === undefined ? undefined : `${quota <= 0 ? 'max' : quota} ${period}`;
    return [
      ...write(`${v2}/cpu.weight`, shares === undefined ? undefined : cpuWeight(shares)),
      ...write(`${v2}/cpu.max`, max),
    ];
  }
  return [
    ...write(`${v1}/cpu.shares`, shares),
    ...write(`${v1}/cpu.cfs_period_us`, period),
    ...write(`${v1}/cpu.cfs_quota_us`, quota),
    ...write(`${v1}/cpu.rt_period_us`, realtimePeriod),
    ...write(`${v1}/cpu.rt_runtime_us`, realtimeRuntime),
  ];
}

/** 2..262144 to 1..10000, as the runtimes do. runtime-spec/config-linux.md#cpu */
export function cpuWeight(shares: number): number {
  return 1 + Math.trunc(((shares - 2) * 9999) / 262142);
}

function planCpuset({ cpus, mems }: CgroupLimits, directory: string): LimitWrite[] {
  return [...write(`${directory}/cpuset.cpus`, cpus), ...write(`${directory}/cpuset.mems`, mems)];
}

function planPids({ pids }: CgroupLimits, directory: string): LimitWrite[] {
  return write(`${directory}/pids.max`, pids === -1 ? 'max' : pids);
}

function planBlockIo({ blockIoWeight }: CgroupLimits, v1: string | undefined, v2: string): LimitWrite[] {
  if (blockIoWeight === undefined) return [];
  const byBfq = v1 === undefined ? `${v2}/io.bfq.weight` : `${v1}/blkio.bfq.weight`;
  if (existsSync(byBfq)) return write(byBfq, blockIoWeight);
  if (v1 !== undefined) return write(`${v1}/blkio.weight`, blockIoWeight);
  // 10..1000 to 1..10000
  return write(`${v2}/io.weight`, `default ${1 + Math.trunc(((blockIoWeight - 10) * 9999) / 990)}`);
}

function write(file: string, value: number | string | undefined): LimitWrite[] {
  return value === undefined ? [] : [{ file, value: String(value) }];
}
