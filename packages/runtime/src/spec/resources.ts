import { statSync } from 'node:fs';
import type { Resources, ThrottleDevice } from '@wharf/api/container';
import { EngineError } from '@wharf/base/error';
import type { OciBlockIo, OciCpu, OciMemory, OciResources, OciThrottle } from '@wharf/oci/runtime-spec';

/**
 * Limits as the runtime takes them: always in v1's terms, which the runtime itself converts for v2 (shares to weight,
 * memory plus swap to swap). Only what was asked for is written, since each one costs the runtime a file.
 */
export function createResources(resources: Resources): OciResources {
  const memory = createMemory(resources);
  const cpu = createCpu(resources);
  const blockIO = createBlockIo(resources);
  return {
    ...(memory && { memory }),
    ...(cpu && { cpu }),
    ...(resources.PidsLimit !== null && resources.PidsLimit > 0 && { pids: { limit: resources.PidsLimit } }),
    ...(blockIO && { blockIO }),
  };
}

function createMemory(resources: Resources): OciMemory | undefined {
  const memory: OciMemory = {};
  if (resources.Memory > 0) memory.limit = resources.Memory;
  if (resources.MemoryReservation > 0) memory.reservation = resources.MemoryReservation;
  // Unlimited swap is what a new cgroup has; a kernel without swap accounting has no file for it.
  if (resources.Memory > 0 && resources.MemorySwap > 0) memory.swap = resources.MemorySwap;
  if (resources.MemorySwappiness !== null) memory.swappiness = resources.MemorySwappiness;
  if (resources.OomKillDisable) memory.disableOOMKiller = true;
  return nonEmpty(memory);
}

function createCpu(resources: Resources): OciCpu | undefined {
  const cpu: OciCpu = {};
  if (resources.CpuShares > 0) cpu.shares = resources.CpuShares;
  if (resources.CpusetCpus !== '') cpu.cpus = resources.CpusetCpus;
  if (resources.CpusetMems !== '') cpu.mems = resources.CpusetMems;
  if (resources.NanoCpus > 0) {
    cpu.period = 100_000;
    cpu.quota = Math.floor(resources.NanoCpus / 10_000);
  }
  if (resources.CpuPeriod !== 0) cpu.period = resources.CpuPeriod;
  if (resources.CpuQuota !== 0) cpu.quota = resources.CpuQuota;
  if (resources.CpuRealtimePeriod !== 0) cpu.realtimePeriod = resources.CpuRealtimePeriod;
  if (resources.CpuRealtimeRuntime !== 0) cpu.realtimeRuntime = resources.CpuRealtimeRuntime;
  return nonEmpty(cpu);
}

function createBlockIo(resources: Resources): OciBlockIo | undefined {
  const blockIO: OciBlockIo = {};
  if (resources.BlkioWeight > 0) blockIO.weight = resources.BlkioWeight;
  if (resources.BlkioWeightDevice?.length) {
    blockIO.weightDevice = resources.BlkioWeightDevice.map(({ Path, Weight }) => ({
      ...deviceNumber(Path),
      weight: Weight,
    }));
  }
  if (resources.BlkioDeviceReadBps?.length) blockIO.throttleReadBpsDevice = throttles(resources.BlkioDeviceReadBps);
  if (resources.BlkioDeviceWriteBps?.length) blockIO.throttleWriteBpsDevice = throttles(resources.BlkioDeviceWriteBps);
  if (resources.BlkioDeviceReadIOps?.length) blockIO.throttleReadIOPSDevice = throttles(resources.BlkioDeviceReadIOps);
  if (resources.BlkioDeviceWriteIOps?.length)
    blockIO.throttleWriteIOPSDevice = throttles(resources.BlkioDeviceWriteIOps);
  return nonEmpty(blockIO);
}

function throttles(devices: readonly ThrottleDevice[]): OciThrottle[] {
  return devices.map(({ Path, Rate }) => ({ ...deviceNumber(Path), rate: Rate }));
}

function deviceNumber(path: string): { major: number; minor: number } {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) throw new EngineError('internal', `stat ${path}: no such file or directory`);
  return splitDeviceNumber(stat.rdev);
}

/** glibc's major() and minor(): the numbers are spread over a 64-bit dev_t. */
export function splitDeviceNumber(rdev: number): { major: number; minor: number } {
  const high = Math.floor(rdev / 2 ** 32);
  const low = rdev % 2 ** 32;
  return {
    major: ((low >>> 8) & 0xfff) + (high & ~0xfff),
    minor: (low & 0xff) + ((low >>> 12) & 0xfffff00),
  };
}

function nonEmpty<T extends object>(value: T): T | undefined {
  return Object.keys(value).length > 0 ? value : undefined;
}
