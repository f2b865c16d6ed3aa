import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import type { BlkioStats, ContainerStats, CpuStats, NetworkStats } from '@wharf/api/stats';
import { timestamp, zeroTime } from '@wharf/base/timestamp';
import type { CgroupPaths } from '@wharf/sys/cgroup';
import { type CgroupStats, readCgroupStats } from '@wharf/sys/cgroup-stats';

/** The host's part of a sample: read once for all containers. */
export interface HostSample {
  /** Nanoseconds that all processors have spent on anything, and on nothing. */
  readonly cpuTime: number;
  readonly cpus: number;
}

export function readHostSample(): HostSample {
  return parseHostSample(readFileSync('/proc/stat', 'utf8'));
}

/** /proc/stat, proc_stat(5): of the first line user, nice, system, idle, iowait, irq and softirq, in ticks. */
export function parseHostSample(text: string): HostSample {
  const [all = '', ...lines] = text.split('\n');
  const ticks = all.trim().split(/\s+/).slice(1, 8).map(Number);
  const cpus = lines.filter((line) => /^cpu\d/.test(line)).length;
  return { cpuTime: ticks.reduce((sum, count) => sum + count, 0) * 1e7, cpus };
}

export const noCpuStats: CpuStats = {
  cpu_usage: { total_usage: 0, usage_in_kernelmode: 0, usage_in_usermode: 0 },
  throttling_data: { periods: 0, throttled_periods: 0, throttled_time: 0 },
};

const noBlkioStats: BlkioStats = {
  io_service_bytes_recursive: null,
  io_serviced_recursive: null,
  io_queue_recursive: null,
  io_service_time_recursive: null,
  io_wait_time_recursive: null,
  io_merged_recursive: null,
  io_time_recursive: null,
  sectors_recursive: null,
};

/** What Docker answers for a container that does not run. */
export function emptySample(id: string, name: string): ContainerStats {
  return {
    name: `/${name}`,
    id,
    read: zeroTime,
    preread: zeroTime,
    pids_stats: {},
    blkio_stats: noBlkioStats,
    num_procs: 0,
    storage_stats: {},
    cpu_stats: noCpuStats,
    precpu_stats: noCpuStats,
    memory_stats: {},
  };
}

export interface SampleRequest {
  readonly id: string;
  readonly name: string;
  readonly cgroups: CgroupPaths;
  /** Whose network it is; undefined for one that is not the container's. */
  readonly networkPid: number | undefined;
}

/** One sample; `preread` and `precpu_stats` are left empty. */
export function takeSample({ id, name, cgroups, networkPid }: SampleRequest, host: HostSample): ContainerStats {
  const stats = readCgroupStats(cgroups);
  const networks = networkPid === undefined ? {} : readNetworks(networkPid);
  return {
    ...emptySample(id, name),
    read: timestamp(),
    pids_stats: {
      current: stats.pids.current,
      ...(stats.pids.limit !== undefined && { limit: stats.pids.limit }),
    },
    blkio_stats: blkioStats(stats.io),
    cpu_stats: cpuStats(stats.cpu, host),
    memory_stats: memoryStats(stats.memory),
    ...(Object.keys(networks).length > 0 && { networks }),
  };
}

function cpuStats(cpu: CgroupStats['cpu'], { cpuTime, cpus }: HostSample): CpuStats {
  return {
    cpu_usage: {
      total_usage: cpu.total,
      ...(cpu.perCpu && { percpu_usage: [...cpu.perCpu] }),
      usage_in_kernelmode: cpu.kernel,
      usage_in_usermode: cpu.user,
    },
    system_cpu_usage: cpuTime,
    online_cpus: cpus,
    throttling_data: {
      periods: cpu.periods,
      throttled_periods: cpu.throttledPeriods,
      throttled_time: cpu.throttled,
    },
  };
}

/** Without a limit of its own the machine's memory is the limit. */
function memoryStats({ usage, maxUsage, failures, limit, counters }: CgroupStats['memory']) {
  return {
    usage,
    ...(maxUsage !== undefined && { max_usage: maxUsage }),
    stats: { ...counters },
    ...(failures !== undefined && failures > 0 && { failcnt: failures }),
    limit: Math.min(limit ?? Number.POSITIVE_INFINITY, totalmem()),
  };
}

function blkioStats({ bytes, operations }: CgroupStats['io']): BlkioStats {
  return {
    ...noBlkioStats,
    io_service_bytes_recursive: bytes.length > 0 ? [...bytes] : operations ? [] : null,
    io_serviced_recursive: operations ? [...operations] : null,
    ...(operations && {
      io_queue_recursive: [],
      io_service_time_recursive: [],
      io_wait_time_recursive: [],
      io_merged_recursive: [],
      io_time_recursive: [],
      sectors_recursive: [],
    }),
  };
}

export function readNetworks(pid: number): Record<string, NetworkStats> {
  try {
    return parseNetworks(readFileSync(`/proc/${pid}/net/dev`, 'utf8'));
  } catch {
    return {};
  }
}

/** /proc/net/dev, proc_pid_net(5); loopback is nobody's traffic. */
export function parseNetworks(text: string): Record<string, NetworkStats> {
  const networks: Record<string, NetworkStats> = {};
  for (const line of text.split('\n')) {
    const match = /^\s*([^:]+):\s*(.*)$/.exec(line);
    if (!match || match[1] === 'lo') continue;
    const n = match[2]!.trim().split(/\s+/).map(Number);
    networks[match[1]!] = {
      rx_bytes: n[0] ?? 0,
      rx_packets: n[1] ?? 0,
      rx_errors: n[2] ?? 0,
      rx_dropped: n[3] ?? 0,
      tx_bytes: n[8] ?? 0,
      tx_packets: n[9] ?? 0,
      tx_errors: n[10] ?? 0,
      tx_dropped: n[11] ?? 0,
    };
  }
  return networks;
}
