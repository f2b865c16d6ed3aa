import type { ContainerStats } from '@wharf/api/stats';
import { createRow, type Row } from '@wharf/base/template/row';
import type { ListStyle } from './list.ts';
import { binarySize, humanSize, truncateId } from './units.ts';

export const statsStyle: ListStyle = {
  headers: {
    Container: 'CONTAINER',
    ID: 'CONTAINER ID',
    Name: 'NAME',
    CPUPerc: 'CPU %',
    MemUsage: 'MEM USAGE / LIMIT',
    MemPerc: 'MEM %',
    NetIO: 'NET I/O',
    BlockIO: 'BLOCK I/O',
    PIDs: 'PIDS',
  },
  table: '{{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t{{.BlockIO}}\t{{.PIDs}}',
  quiet: '{{.ID}}',
};

/** What templates see of a container's stats; `asked` is what the user called it. Without a sample: dashes. */
export function statsRow(asked: string, stats: ContainerStats | undefined, isTruncated: boolean): Row {
  const id = stats?.id ?? '';
  const shown = (text: (stats: ContainerStats) => string) => () => (stats ? text(stats) : '--');
  return createRow('formatter.statsContext', {
    Container: () => asked,
    ID: () => (isTruncated ? truncateId(id) : id) || asked,
    Name: shown(({ name }) => name.replace(/^\//, '')),
    CPUPerc: shown((sample) => percent(cpuShare(sample))),
    MemUsage: shown((sample) => `${binarySize(memoryUsed(sample))} / ${binarySize(sample.memory_stats.limit ?? 0)}`),
    MemPerc: shown((sample) => percent(memoryShare(sample))),
    NetIO: shown((sample) => pair(traffic(sample, 'rx_bytes'), traffic(sample, 'tx_bytes'))),
    BlockIO: shown((sample) => pair(blockIo(sample, 'r'), blockIo(sample, 'w'))),
    PIDs: shown(({ pids_stats }) => String(pids_stats.current ?? 0)),
  });
}

/** Of one processor: two of them busy are 200 percent. */
export function cpuShare({ cpu_stats: now, precpu_stats: before }: ContainerStats): number {
  const used = now.cpu_usage.total_usage - before.cpu_usage.total_usage;
  const passed = (now.system_cpu_usage ?? 0) - (before.system_cpu_usage ?? 0);
  const cpus = now.online_cpus || (now.cpu_usage.percpu_usage?.length ?? 0);
  return used > 0 && passed > 0 ? (used / passed) * cpus : 0;
}

/** Without the page cache that the kernel would give back first. */
export function memoryUsed({ memory_stats: { usage = 0, stats = {} } }: ContainerStats): number {
  const inactive = stats.total_inactive_file ?? stats.inactive_file ?? 0;
  return inactive < usage ? usage - inactive : usage;
}

function memoryShare(sample: ContainerStats): number {
  const { limit = 0 } = sample.memory_stats;
  return limit > 0 ? memoryUsed(sample) / limit : 0;
}

function traffic({ networks = {} }: ContainerStats, field: 'rx_bytes' | 'tx_bytes'): number {
  return Object.values(networks).reduce((sum, network) => sum + network[field], 0);
}

function blockIo({ blkio_stats }: ContainerStats, letter: 'r' | 'w'): number {
  return (blkio_stats.io_service_bytes_recursive ?? [])
    .filter(({ op }) => op.toLowerCase().startsWith(letter))
    .reduce((sum, { value }) => sum + value, 0);
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)}%`;
}

function pair(one: number, other: number): string {
  return `${humanSize(one, 3)} / ${humanSize(other, 3)}`;
}
