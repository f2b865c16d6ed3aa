import { readFileSync } from 'node:fs';
import type { CgroupPaths } from './cgroup.ts';

/** What the kernel counts for a cgroup; times in nanoseconds, sizes in bytes. Absent is what the hierarchy does not have. */
export interface CgroupStats {
  readonly cpu: {
    readonly total: number;
    readonly kernel: number;
    readonly user: number;
    readonly perCpu?: readonly number[];
    readonly periods: number;
    readonly throttledPeriods: number;
    readonly throttled: number;
  };
  readonly memory: {
    readonly usage: number;
    readonly maxUsage?: number;
    readonly failures?: number;
    /** Undefined where there is none. */
    readonly limit: number | undefined;
    /** memory.stat */
    readonly counters: Readonly<Record<string, number>>;
  };
  readonly pids: { readonly current: number; readonly limit: number | undefined };
  readonly io: { readonly bytes: readonly IoCount[]; readonly operations: readonly IoCount[] | undefined };
}

export interface IoCount {
  readonly major: number;
  readonly minor: number;
  /** `Read`, `Write`, `Sync`, `Async`, `Total` on v1; `read` and `write` on v2. */
  readonly op: string;
  readonly value: number;
}

/** Clock ticks of cpuacct.stat: USER_HZ is 100 on every architecture that runs here. */
const nanosecondsPerTick = 1e7;

/** Reads the counters of one cgroup of any mode: a controller on v1 where it has a hierarchy, else on v2. */
export function readCgroupStats(paths: CgroupPaths): CgroupStats {
  const { v1, v2 = '' } = paths;
  const memory = v1.get('memory');
  const cpu = v1.get('cpuacct');
  const blkio = v1.get('blkio');
  const pids = v1.get('pids') ?? v2;
  return {
    cpu: cpu === undefined ? readCpuV2(v2) : readCpuV1(cpu, v1.get('cpu') ?? cpu),
    memory: memory === undefined ? readMemoryV2(v2) : readMemoryV1(memory),
    pids: { current: readNumber(`${pids}/pids.current`) ?? 0, limit: readNumber(`${pids}/pids.max`) },
    io: blkio === undefined ? readIoV2(v2) : readIoV1(blkio),
  };
}

function readCpuV1(cpuacct: string, cpu: string): CgroupStats['cpu'] {
  const times = parseCounters(read(`${cpuacct}/cpuacct.stat`));
  const throttling = parseCounters(read(`${cpu}/cpu.stat`));
  return {
    total: readNumber(`${cpuacct}/cpuacct.usage`) ?? 0,
    kernel: (times.system ?? 0) * nanosecondsPerTick,
    user: (times.user ?? 0) * nanosecondsPerTick,
    perCpu: read(`${cpuacct}/cpuacct.usage_percpu`).trim().split(' ').filter(Boolean).map(Number),
    periods: throttling.nr_periods ?? 0,
    throttledPeriods: throttling.nr_throttled ?? 0,
    throttled: throttling.throttled_time ?? 0,
  };
}

function readCpuV2(directory: string): CgroupStats['cpu'] {
  const counters = parseCounters(read(`${directory}/cpu.stat`));
  return {
    total: (counters.usage_usec ?? 0) * 1000,
    kernel: (counters.system_usec ?? 0) * 1000,
    user: (counters.user_usec ?? 0) * 1000,
    periods: counters.nr_periods ?? 0,
    throttledPeriods: counters.nr_throttled ?? 0,
    throttled: (counters.throttled_usec ?? 0) * 1000,
  };
}

/** "No limit" is the largest multiple of a page that fits. */
const unlimitedV1 = 2 ** 62;

function readMemoryV1(directory: string): CgroupStats['memory'] {
  const limit = readNumber(`${directory}/memory.limit_in_bytes`);
  return {
    usage: readNumber(`${directory}/memory.usage_in_bytes`) ?? 0,
    maxUsage: readNumber(`${directory}/memory.max_usage_in_bytes`) ?? 0,
    failures: readNumber(`${directory}/memory.failcnt`) ?? 0,
    limit: limit !== undefined && limit < unlimitedV1 ? limit : undefined,
    counters: parseCounters(read(`${directory}/memory.stat`)),
  };
}

function readMemoryV2(directory: string): CgroupStats['memory'] {
  return {
    usage: readNumber(`${directory}/memory.current`) ?? 0,
    limit: readNumber(`${directory}/memory.max`),
    counters: parseCounters(read(`${directory}/memory.stat`)),
  };
}

function readIoV1(directory: string): CgroupStats['io'] {
  return {
    bytes: parseIoV1(read(`${directory}/blkio.throttle.io_service_bytes_recursive`)),
    operations: parseIoV1(read(`${directory}/blkio.throttle.io_serviced_recursive`)),
  };
}

/** `8:0 Read 4096`; the sum over all devices has no number. */
export function parseIoV1(text: string): IoCount[] {
  return [...text.matchAll(/^(\d+):(\d+) (\w+) (\d+)$/gm)].map(([, major, minor, op, value]) => ({
    major: Number(major),
    minor: Number(minor),
    op: op!,
    value: Number(value),
  }));
}

function readIoV2(directory: string): CgroupStats['io'] {
  return { bytes: parseIoV2(read(`${directory}/io.stat`)), operations: undefined };
}

/** `8:0 rbytes=4096 wbytes=0 rios=1 ...` */
export function parseIoV2(text: string): IoCount[] {
  return [...text.matchAll(/^(\d+):(\d+) (.*)$/gm)].flatMap(([, major, minor, rest]) => {
    const counters = new Map([...rest!.matchAll(/(\w+)=(\d+)/g)].map(([, key, value]) => [key, Number(value)]));
    const device = { major: Number(major), minor: Number(minor) };
    return [
      { ...device, op: 'read', value: counters.get('rbytes') ?? 0 },
      { ...device, op: 'write', value: counters.get('wbytes') ?? 0 },
    ];
  });
}

/** Lines of a name and a number. */
export function parseCounters(text: string): Record<string, number> {
  const counters: Record<string, number> = {};
  for (const line of text.split('\n')) {
    const space = line.indexOf(' ');
    if (space > 0) counters[line.slice(0, space)] = Number(line.slice(space + 1));
  }
  return counters;
}

/** Undefined for `max` and for what is not there. */
function readNumber(file: string): number | undefined {
  const text = read(file).trim();
  return /^\d+$/.test(text) ? Number(text) : undefined;
}

/** A cgroup may go at any moment, and a kernel may lack a file: both count nothing. */
function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
