import { setTimeout as delay } from 'node:timers/promises';
import type { ContainerStats } from '@wharf/api/stats';
import { type CgroupPaths, cgroupsOf, readCgroupLayout } from '@wharf/sys/cgroup';
import { hasErrno } from '@wharf/sys/errno';
import type { ContainerRecord } from '../containers/container-record.ts';
import { isUp } from '../containers/container-state.ts';
import type { ContainerDeps } from '../engine-deps.ts';
import { emptySample, noCpuStats, readHostSample, takeSample } from './sample.ts';

export interface StatsOptions {
  /** A sample a second, until the client leaves or the container is removed. */
  readonly stream: boolean;
  /** The first sample at once, without the one before it. */
  readonly oneShot: boolean;
}

const interval = 1000;

/** Throws not_found at once; samples of a container that does not run are empty. */
export function containerStats(
  { containers }: Pick<ContainerDeps, 'containers'>,
  idOrName: string,
  { stream, oneShot }: StatsOptions,
  signal: AbortSignal,
): AsyncIterable<ContainerStats> {
  const { id } = containers.find(idOrName);
  const sampler = new Sampler(containers, id);
  return stream ? everySecond(sampler, signal) : single(sampler, oneShot, signal);
}

async function* everySecond(sampler: Sampler, signal: AbortSignal): AsyncGenerator<ContainerStats> {
  for (let due = performance.now(); ; ) {
    const sample = sampler.next();
    if (!sample) return;
    yield sample;
    due = Math.max(due + interval, performance.now());
    if (!(await pause(due - performance.now(), signal))) return;
  }
}

async function* single(sampler: Sampler, oneShot: boolean, signal: AbortSignal): AsyncGenerator<ContainerStats> {
  const first = sampler.next();
  if (!first) return;
  // Usage is the difference of two samples.
  const wanted = oneShot || !sampler.running ? first : (await pause(interval, signal)) && sampler.next();
  if (wanted) yield wanted;
}

/** False when the client has left. */
async function pause(milliseconds: number, signal: AbortSignal): Promise<boolean> {
  try {
    await delay(milliseconds, undefined, { signal });
    return true;
  } catch {
    return false;
  }
}

/** Samples of one container, each with the CPU counters of the one before. */
class Sampler {
  readonly #containers: ContainerDeps['containers'];
  readonly #id: string;
  #before: ContainerStats | undefined;
  #cgroups: { readonly pid: number; readonly paths: CgroupPaths } | undefined;

  constructor(containers: ContainerDeps['containers'], id: string) {
    this.#containers = containers;
    this.#id = id;
  }

  get running(): boolean {
    const record = this.#containers.get(this.#id);
    return record !== undefined && isUp(record.state.status);
  }

  /** Undefined when the container is gone. */
  next(): ContainerStats | undefined {
    const record = this.#containers.get(this.#id);
    if (!record) return undefined;
    const before = this.#before;
    const sample = isUp(record.state.status) ? this.#take(record) : emptySample(record.id, record.name);
    this.#before = sample;
    return {
      ...sample,
      preread: before?.read ?? sample.preread,
      precpu_stats: before?.cpu_stats ?? noCpuStats,
    };
  }

  #take(record: ContainerRecord): ContainerStats {
    const { id, name, state } = record;
    const cgroups = this.#cgroupsOf(state.pid);
    if (!cgroups) return emptySample(id, name);
    return takeSample({ id, name, cgroups, networkPid: this.#networkPid(record) }, readHostSample());
  }

  #cgroupsOf(pid: number): CgroupPaths | undefined {
    if (this.#cgroups?.pid === pid) return this.#cgroups.paths;
    try {
      const paths = cgroupsOf(pid, readCgroupLayout());
      this.#cgroups = { pid, paths };
      return paths;
    } catch (error) {
      // It has just ended, and its exit is on the way.
      if (hasErrno(error, 'ENOENT') || hasErrno(error, 'ESRCH')) return undefined;
      throw error;
    }
  }

  /** Who joined another container's network shows that one's traffic; the host's is nobody's. */
  #networkPid({ hostConfig, state }: ContainerRecord): number | undefined {
    return hostConfig.NetworkMode === 'host' ? undefined : state.pid;
  }
}
