import { type CgroupLayout, type CgroupPaths, cgroupsOf, readCgroupLayout } from '@wharf/sys/cgroup';
import { type CgroupStats, type IoCount, readCgroupStats } from '@wharf/sys/cgroup-stats';
import { hasErrno } from '@wharf/sys/errno';
import { pressureResources, readPressure } from '@wharf/sys/pressure';
import type { ContainerRecord } from '../containers/container-record.ts';
import { isUp } from '../containers/container-state.ts';
import type { ContainerDeps } from '../engine-deps.ts';
import { readNetworks } from '../stats/sample.ts';
import { Exposition, type Labels } from './exposition.ts';

type Add = (name: string, help: string, value: number, more?: Labels) => void;

/** What Prometheus asks the daemon for: the engine's state and each running container's counters, in one pass. */
export function collectMetrics({ containers }: Pick<ContainerDeps, 'containers'>): string {
  const exposition = new Exposition();
  const states = { running: 0, paused: 0, stopped: 0 };
  const layout = readCgroupLayout();
  for (const record of containers.values()) {
    const { status } = record.state;
    states[status === 'running' || status === 'paused' ? status : 'stopped']++;
    if (isUp(status)) addContainer(exposition, record, layout);
  }
  for (const [state, count] of Object.entries(states)) {
    const help = 'The count of containers in various states';
    exposition.add('engine_daemon_container_states_containers', { type: 'gauge', help }, { state }, count);
  }
  const resident = { type: 'gauge', help: "The daemon's resident memory." } as const;
  exposition.add('process_resident_memory_bytes', resident, {}, process.memoryUsage.rss());
  const { user, system } = process.cpuUsage();
  const spent = { type: 'counter', help: "The daemon's time on processors." } as const;
  exposition.add('process_cpu_seconds_total', spent, {}, (user + system) / 1e6);
  return exposition.format();
}

function addContainer(exposition: Exposition, record: ContainerRecord, layout: CgroupLayout): void {
  const paths = findCgroups(record.state.pid, layout);
  if (!paths) return;
  const labels = { id: record.id, name: record.name };
  const counter: Add = (name, help, value, more) =>
    exposition.add(`wharf_container_${name}`, { type: 'counter', help }, { ...labels, ...more }, value);
  const gauge: Add = (name, help, value, more) =>
    exposition.add(`wharf_container_${name}`, { type: 'gauge', help }, { ...labels, ...more }, value);
  const stats = readCgroupStats(paths);
  addProcessors(stats.cpu, counter);
  gauge('memory_usage_bytes', 'Memory in use, with the page cache.', stats.memory.usage);
  if (stats.memory.limit !== undefined) gauge('memory_limit_bytes', 'Limit of memory.', stats.memory.limit);
  gauge('processes', 'Processes and threads.', stats.pids.current);
  for (const [operation, bytes] of sumByOperation(stats.io.bytes)) {
    counter('io_bytes_total', 'Bytes read from and written to block devices.', bytes, { operation });
  }
  addPressure(paths, counter);
  if (record.hostConfig.NetworkMode !== 'host') addNetworks(record.state.pid, counter);
}

function addProcessors({ user, kernel, total, throttled }: CgroupStats['cpu'], counter: Add): void {
  counter('cpu_seconds_total', 'Time on processors.', total / 1e9);
  counter('cpu_user_seconds_total', 'Time on processors in user mode.', user / 1e9);
  counter('cpu_system_seconds_total', 'Time on processors in the kernel.', kernel / 1e9);
  counter('cpu_throttled_seconds_total', 'Time that the limit of processors took.', throttled / 1e9);
}

/** On cgroup v1 there is none. */
function addPressure(paths: CgroupPaths, counter: Add): void {
  for (const resource of pressureResources) {
    const pressure = readPressure(paths, resource);
    if (!pressure) continue;
    const [waiting, stalled] = [pressure.some / 1e6, pressure.full / 1e6];
    counter('pressure_waiting_seconds_total', 'Time that some task waited for a resource.', waiting, { resource });
    counter('pressure_stalled_seconds_total', 'Time that all tasks waited for a resource.', stalled, { resource });
  }
}

function addNetworks(pid: number, counter: Add): void {
  for (const [device, traffic] of Object.entries(readNetworks(pid))) {
    counter('network_receive_bytes_total', 'Bytes received.', traffic.rx_bytes, { device });
    counter('network_receive_packets_total', 'Packets received.', traffic.rx_packets, { device });
    counter('network_transmit_bytes_total', 'Bytes sent.', traffic.tx_bytes, { device });
    counter('network_transmit_packets_total', 'Packets sent.', traffic.tx_packets, { device });
  }
}

/** Over all devices. v1 also tells sums of its own, which are left out. */
function sumByOperation(counts: readonly IoCount[]): Map<string, number> {
  const sums = new Map([
    ['read', 0],
    ['write', 0],
  ]);
  for (const { op, value } of counts) {
    const before = sums.get(op.toLowerCase());
    if (before !== undefined) sums.set(op.toLowerCase(), before + value);
  }
  return sums;
}

/** Undefined for one that has just ended, and whose exit is on the way. */
function findCgroups(pid: number, layout: CgroupLayout): CgroupPaths | undefined {
  try {
    return cgroupsOf(pid, layout);
  } catch (error) {
    if (hasErrno(error, 'ENOENT') || hasErrno(error, 'ESRCH')) return undefined;
    throw error;
  }
}
