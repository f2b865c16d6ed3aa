import type { ContainerUpdateRequest, HostConfig, Resources } from '@wharf/api/container';
import { conflict, EngineError, invalidArgument, notImplemented } from '@wharf/base/error';
import { cgroupsOf } from '@wharf/sys/cgroup';
import { applyLimits, type CgroupLimits, planLimits } from '@wharf/sys/cgroup-limits';
import type { ContainerDeps } from '../engine-deps.ts';
import type { ContainerRecord } from './container-record.ts';
import { isUp } from './container-state.ts';
import { publishContainer } from './publish.ts';
import { validateResources } from './validate/resources.ts';
import { validateRestartPolicy } from './validate/restart-policy.ts';

export type UpdateDeps = Pick<ContainerDeps, 'containers' | 'locks' | 'events' | 'hostFacts' | 'database' | 'removals'>;

/** Changes limits and the restart policy, at once for a container that runs. Fields that are unset stay as they are. */
export async function updateContainer(
  deps: UpdateDeps,
  idOrName: string,
  request: ContainerUpdateRequest,
): Promise<{ Warnings: string[] | null }> {
  const { id } = deps.containers.find(idOrName);
  refuseUnsupported(request);
  validateRestartPolicy(request.RestartPolicy);
  const { value, warnings } = validateResources(request, deps.hostFacts, { update: true });
  const wished = { ...value, RestartPolicy: request.RestartPolicy };
  await deps.locks.run(id, async () => updateLocked(deps, deps.containers.find(id), wished));
  await deps.database.flush();
  return { Warnings: warnings.length > 0 ? warnings : null };
}

function updateLocked(deps: UpdateDeps, record: ContainerRecord, wished: ContainerUpdateRequest): void {
  const { containers, events, removals } = deps;
  try {
    if (removals.isRemoving(record.id) || record.state.status === 'dead') {
      throw conflict('container is marked for removal and cannot be "update"');
    }
    const hostConfig = mergeLimits(record.hostConfig, wished);
    if (isUp(record.state.status)) setLimits(record.state.pid, changedLimits(wished, hostConfig));
    publishContainer(events, containers.update(record.id, { hostConfig }), 'update');
  } catch (error) {
    const { code, message, cause } = EngineError.from(error);
    throw new EngineError(code, `Cannot update container ${record.id}: ${message}`, { cause });
  }
}

function setLimits(pid: number, limits: CgroupLimits): void {
  if (Object.values(limits).every((value) => value === undefined)) return;
  applyLimits(planLimits(limits, cgroupsOf(pid)));
}

/** The host configuration with what is asked for, or Docker's conflict. */
export function mergeLimits(current: HostConfig, wished: ContainerUpdateRequest): HostConfig {
  refuseConflicts(current, wished);
  const { RestartPolicy } = wished;
  if (RestartPolicy.Name !== '' && RestartPolicy.Name !== 'no' && current.AutoRemove) {
    throw conflict('Restart policy cannot be updated because AutoRemove is enabled for the container');
  }
  const Memory = wished.Memory || current.Memory;
  const MemorySwap = wished.MemorySwap || current.MemorySwap;
  if (MemorySwap > 0 && MemorySwap < Memory) {
    throw invalidArgument('Minimum memoryswap limit should be larger than memory limit, see usage');
  }
  return {
    ...current,
    BlkioWeight: wished.BlkioWeight || current.BlkioWeight,
    CpuShares: wished.CpuShares || current.CpuShares,
    NanoCpus: wished.NanoCpus || current.NanoCpus,
    CpuPeriod: wished.CpuPeriod || current.CpuPeriod,
    CpuQuota: wished.CpuQuota || current.CpuQuota,
    CpuRealtimePeriod: wished.CpuRealtimePeriod || current.CpuRealtimePeriod,
    CpuRealtimeRuntime: wished.CpuRealtimeRuntime || current.CpuRealtimeRuntime,
    CpusetCpus: wished.CpusetCpus || current.CpusetCpus,
    CpusetMems: wished.CpusetMems || current.CpusetMems,
    Memory,
    MemorySwap,
    MemoryReservation: wished.MemoryReservation || current.MemoryReservation,
    PidsLimit: wished.PidsLimit ?? current.PidsLimit,
    RestartPolicy: RestartPolicy.Name === '' ? current.RestartPolicy : RestartPolicy,
  };
}

function refuseConflicts(current: HostConfig, { NanoCpus, CpuPeriod, CpuQuota, Memory, MemorySwap }: Resources): void {
  const refuse = (what: string, set: string) => {
    throw conflict(`Conflicting options: ${what} cannot be updated as ${set} has already been set`);
  };
  if (NanoCpus > 0 && current.CpuPeriod > 0) refuse('Nano CPUs', 'CPU Period');
  if (NanoCpus > 0 && current.CpuQuota > 0) refuse('Nano CPUs', 'CPU Quota');
  if (CpuPeriod > 0 && current.NanoCpus > 0) refuse('CPU Period', 'NanoCPUs');
  if (CpuQuota > 0 && current.NanoCpus > 0) refuse('CPU Quota', 'NanoCPUs');
  if (Memory > current.MemorySwap && MemorySwap === 0) {
    throw conflict(
      'Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time',
    );
  }
}

/** What the kernel has to be told: the fields that were set, with those that only make sense together. */
function changedLimits(wished: ContainerUpdateRequest, merged: HostConfig): CgroupLimits {
  const memory = wished.Memory > 0 || wished.MemorySwap !== 0;
  const time = wished.NanoCpus > 0 || wished.CpuPeriod !== 0 || wished.CpuQuota !== 0;
  const { period, quota } = cpuTime(merged);
  return {
    ...(memory && merged.Memory > 0 && { memory: merged.Memory }),
    ...(memory && merged.MemorySwap !== 0 && { swap: merged.MemorySwap }),
    ...(wished.MemoryReservation > 0 && { reservation: wished.MemoryReservation }),
    ...(wished.CpuShares > 0 && { shares: wished.CpuShares }),
    ...(time && { period, quota }),
    ...(wished.CpuRealtimePeriod > 0 && { realtimePeriod: wished.CpuRealtimePeriod }),
    ...(wished.CpuRealtimeRuntime > 0 && { realtimeRuntime: wished.CpuRealtimeRuntime }),
    ...(wished.CpusetCpus !== '' && { cpus: wished.CpusetCpus }),
    ...(wished.CpusetMems !== '' && { mems: wished.CpusetMems }),
    ...(wished.PidsLimit !== null && { pids: wished.PidsLimit > 0 ? wished.PidsLimit : -1 }),
    ...(wished.BlkioWeight > 0 && { blockIoWeight: wished.BlkioWeight }),
  };
}

/** Microseconds. */
function cpuTime({ NanoCpus, CpuPeriod, CpuQuota }: HostConfig): { period: number; quota: number } {
  if (NanoCpus > 0) return { period: 100_000, quota: Math.floor(NanoCpus / 10_000) };
  return { period: CpuPeriod || 100_000, quota: CpuQuota || -1 };
}

/** Devices' own limits are fixed when the container starts. */
function refuseUnsupported(request: ContainerUpdateRequest): void {
  const lists = [
    'BlkioWeightDevice',
    'BlkioDeviceReadBps',
    'BlkioDeviceWriteBps',
    'BlkioDeviceReadIOps',
    'BlkioDeviceWriteIOps',
  ] as const;
  for (const name of lists) if (request[name]?.length) throw notImplemented(`Updating ${name}`);
}
