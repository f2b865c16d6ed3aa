import type { Resources } from '@wharf/api/container';
import { type EngineError, invalidArgument, notImplemented } from '@wharf/base/error';
import { parseDeviceCgroupRule } from '@wharf/runtime/spec/devices';
import { parseCpuList } from './cpu-list.ts';
import type { HostFacts } from './host-facts.ts';
import { validateUlimit } from './ulimit.ts';

const minimumMemory = 6 * 1024 * 1024;

/** A request whose parts are changed as the host can do them; `warnings` says what was dropped. */
export interface Adjustment<T> {
  readonly value: T;
  readonly warnings: string[];
}

/** Limits that the host can set, or Docker's error where they make no sense. `update` allows swap without memory. */
export function validateResources(
  wished: Resources,
  facts: HostFacts,
  options: { readonly update: boolean },
): Adjustment<Resources> {
  const resources = { ...wished };
  // The CLI sends -1 for an option that was not given.
  if (resources.MemorySwappiness === -1) resources.MemorySwappiness = null;
  const warnings = [
    ...adjustMemory(resources, facts, options.update),
    ...adjustOom(resources, facts),
    ...adjustCpu(resources, facts),
    ...adjustCpuset(resources, facts),
    ...adjustBlockIo(resources, facts),
  ];
  if (resources.DeviceRequests?.length) throw notImplemented('HostConfig.DeviceRequests (--gpus, CDI devices)');
  for (const rule of resources.DeviceCgroupRules ?? []) parseDeviceCgroupRule(rule);
  for (const device of resources.Devices ?? []) validateDevice(device);
  for (const ulimit of resources.Ulimits ?? []) validateUlimit(ulimit);
  return { value: resources, warnings };
}

function adjustMemory(resources: Resources, facts: HostFacts, update: boolean): string[] {
  const warnings: string[] = [];
  if (resources.Memory !== 0 && resources.Memory < minimumMemory) {
    throw invalidArgument('Minimum memory limit allowed is 6MB');
  }
  if (resources.Memory > 0 && !facts.memoryLimit) {
    warnings.push(discarded('memory limit capabilities or the cgroup is not mounted', 'Limitation discarded.'));
    resources.Memory = 0;
    resources.MemorySwap = -1;
  }
  if (resources.Memory > 0 && resources.MemorySwap !== -1 && !facts.swapLimit) {
    warnings.push(discarded('swap limit capabilities or the cgroup is not mounted', 'Memory limited without swap.'));
    resources.MemorySwap = -1;
  }
  if (resources.Memory > 0 && resources.MemorySwap > 0 && resources.MemorySwap < resources.Memory) {
    throw invalidArgument('Minimum memoryswap limit should be larger than memory limit, see usage');
  }
  if (resources.Memory === 0 && resources.MemorySwap > 0 && !update) {
    throw invalidArgument('You should always set the Memory limit when using Memoryswap limit, see usage');
  }
  return [...warnings, ...adjustSwappiness(resources, facts), ...adjustReservation(resources, facts)];
}

function adjustSwappiness(resources: Resources, facts: HostFacts): string[] {
  const warnings: string[] = [];
  if (resources.MemorySwappiness !== null && !facts.memorySwappiness) {
    warnings.push(
      discarded('memory swappiness capabilities or the cgroup is not mounted', 'Memory swappiness discarded.'),
    );
    resources.MemorySwappiness = null;
  }
  const swappiness = resources.MemorySwappiness ?? 0;
  if (swappiness < 0 || swappiness > 100) {
    throw invalidArgument(`Invalid value: ${swappiness}, valid memory swappiness range is 0-100`);
  }
  return warnings;
}

function adjustReservation(resources: Resources, facts: HostFacts): string[] {
  const warnings: string[] = [];
  if (resources.MemoryReservation > 0 && !facts.memoryReservation) {
    warnings.push(discarded('memory soft limit capabilities or the cgroup is not mounted', 'Limitation discarded.'));
    resources.MemoryReservation = 0;
  }
  if (resources.MemoryReservation > 0 && resources.MemoryReservation < minimumMemory) {
    throw invalidArgument('Minimum memory reservation allowed is 6MB');
  }
  if (resources.Memory > 0 && resources.Memory < resources.MemoryReservation) {
    throw invalidArgument('Minimum memory limit can not be less than memory reservation limit, see usage');
  }
  return warnings;
}

function adjustOom(resources: Resources, facts: HostFacts): string[] {
  const warnings: string[] = [];
  if (resources.OomKillDisable && !facts.oomKillDisable) {
    warnings.push('Your kernel does not support OomKillDisable. OomKillDisable discarded.');
  }
  if (!facts.oomKillDisable) resources.OomKillDisable = null;
  if (resources.OomKillDisable && resources.Memory === 0) {
    warnings.push(
      'OOM killer is disabled for the container, but no memory limit is set, this can result in the system running out of resources.',
    );
  }
  if (resources.PidsLimit !== null && !facts.pidsLimit) {
    if (resources.PidsLimit > 0) {
      warnings.push(discarded('PIDs limit capabilities or the cgroup is not mounted', 'PIDs limit discarded.'));
    }
    resources.PidsLimit = null;
  }
  return warnings;
}

function adjustCpu(resources: Resources, facts: HostFacts): string[] {
  const warnings: string[] = [];
  validateNanoCpus(resources, facts);
  if (resources.CpuShares < 0) throw invalidArgument('shares: invalid argument');
  if (resources.CpuShares > 0 && !facts.cpuShares) {
    warnings.push(discarded('CPU shares or the cgroup is not mounted', 'Shares discarded.'));
    resources.CpuShares = 0;
  }
  if ((resources.CpuPeriod !== 0 || resources.CpuQuota !== 0) && !facts.cpuCfs) {
    warnings.push(discarded('CPU CFS scheduler', 'CPU period/quota discarded.', '.'));
    resources.CpuPeriod = 0;
    resources.CpuQuota = 0;
  }
  if (resources.CpuPeriod !== 0 && (resources.CpuPeriod < 1000 || resources.CpuPeriod > 1_000_000)) {
    throw invalidArgument('CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)');
  }
  if (resources.CpuQuota > 0 && resources.CpuQuota < 1000) {
    throw invalidArgument('CPU cfs quota can not be less than 1ms (i.e. 1000)');
  }
  if (resources.CpuPercent > 0) {
    warnings.push('linux does not support CPU percent. Percent discarded.');
    resources.CpuPercent = 0;
  }
  validateRealtime(resources, facts);
  return warnings;
}

function validateNanoCpus({ NanoCpus, CpuPeriod, CpuQuota }: Resources, facts: HostFacts): void {
  if (NanoCpus > 0 && CpuPeriod > 0) {
    throw invalidArgument('Conflicting options: Nano CPUs and CPU Period cannot both be set');
  }
  if (NanoCpus > 0 && CpuQuota > 0) {
    throw invalidArgument('Conflicting options: Nano CPUs and CPU Quota cannot both be set');
  }
  if (NanoCpus > 0 && !facts.cpuCfs) {
    throw invalidArgument(
      'NanoCPUs can not be set, as your kernel does not support CPU CFS scheduler or the cgroup is not mounted',
    );
  }
  if (NanoCpus < 0 || NanoCpus > facts.cpus * 1e9) {
    throw invalidArgument(
      `Range of CPUs is from 0.01 to ${facts.cpus}.00, as there are only ${facts.cpus} CPUs available`,
    );
  }
}

function validateRealtime({ CpuRealtimePeriod, CpuRealtimeRuntime }: Resources, facts: HostFacts): void {
  if (CpuRealtimePeriod === 0 && CpuRealtimeRuntime === 0) return;
  if (!facts.cpuRealtime) throw invalidArgument('Your kernel does not support CPU real-time scheduler');
  if (CpuRealtimePeriod !== 0 && CpuRealtimeRuntime > CpuRealtimePeriod) {
    throw invalidArgument('cpu real-time runtime cannot be higher than cpu real-time period');
  }
}

function adjustCpuset(resources: Resources, facts: HostFacts): string[] {
  const isAsked = resources.CpusetCpus !== '' || resources.CpusetMems !== '';
  if (isAsked && !facts.cpuset) {
    resources.CpusetCpus = '';
    resources.CpusetMems = '';
    return [discarded('cpuset or the cgroup is not mounted', 'Cpuset discarded.')];
  }
  requireAvailable('cpus', 'CPUs', resources.CpusetCpus, facts.cpusetCpus);
  requireAvailable('mems', 'memory nodes', resources.CpusetMems, facts.cpusetMems);
  return [];
}

function requireAvailable(option: 'cpus' | 'mems', what: string, wanted: string, available: string): void {
  if (wanted === '') return;
  let numbers: ReadonlySet<number>;
  try {
    numbers = parseCpuList(wanted);
  } catch (error) {
    throw invalidArgument(`Invalid value ${wanted} for cpuset ${option}: ${(error as EngineError).message}`);
  }
  const existing = parseCpuList(available);
  if ([...numbers].some((number) => !existing.has(number))) {
    throw invalidArgument(`Requested ${what} are not available - requested ${wanted}, available: ${available}`);
  }
}

function adjustBlockIo(resources: Resources, facts: HostFacts): string[] {
  const warnings: string[] = [];
  const suffix = 'or the cgroup is not mounted';
  if (resources.BlkioWeight > 0 && !facts.blkioWeight) {
    warnings.push(discarded(`Block I/O weight ${suffix}`, 'Weight discarded.'));
    resources.BlkioWeight = 0;
  }
  if (resources.BlkioWeight > 0 && (resources.BlkioWeight < 10 || resources.BlkioWeight > 1000)) {
    throw invalidArgument('Range of blkio weight is from 10 to 1000');
  }
  if (resources.IOMaximumBandwidth !== 0) {
    throw invalidArgument('Invalid QoS settings: linux does not support configuration of maximum bandwidth');
  }
  if (resources.IOMaximumIOps !== 0) {
    throw invalidArgument('Invalid QoS settings: linux does not support configuration of maximum IOPs');
  }
  if (resources.BlkioWeightDevice?.length && !facts.blkioWeightDevice) {
    warnings.push(discarded(`Block I/O weight_device ${suffix}`, 'Weight-device discarded.'));
    resources.BlkioWeightDevice = [];
  }
  if (facts.blkioThrottle) return warnings;
  for (const [field, unit, direction] of throttles) {
    if (!resources[field]?.length) continue;
    const limit = unit === 'IOPS' && direction === 'read' ? 'IOPS Block read' : `${unit} Block I/O ${direction}`;
    warnings.push(discarded(`${limit} limit ${suffix}`, `Block I/O ${unit} ${direction} limit discarded.`));
    resources[field] = [];
  }
  return warnings;
}

const throttles = [
  ['BlkioDeviceReadBps', 'BPS', 'read'],
  ['BlkioDeviceWriteBps', 'BPS', 'write'],
  ['BlkioDeviceReadIOps', 'IOPS', 'read'],
  ['BlkioDeviceWriteIOps', 'IOPS', 'write'],
] as const;

function discarded(what: string, consequence: string, stop = '.'): string {
  return `Your kernel does not support ${what}${stop} ${consequence}`;
}

function validateDevice({ PathOnHost, CgroupPermissions }: NonNullable<Resources['Devices']>[number]): void {
  if (PathOnHost === '')
    throw invalidArgument(
      'error gathering device information while adding custom device "": no such file or directory',
    );
  if (CgroupPermissions !== '' && !/^(?!.*(.).*\1)[rwm]{1,3}$/.test(CgroupPermissions)) {
    throw invalidArgument(`invalid device mode: ${CgroupPermissions}`);
  }
}
