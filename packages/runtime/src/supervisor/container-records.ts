import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import type { CgroupPaths } from '@wharf/sys/cgroup';
import { processStartTime } from '@wharf/sys/pidfd';
import type { ManagedProcess } from './managed-process.ts';
import type { LogTarget, OciRuntimeCommand } from './supervisor.ts';

/** What another supervisor needs to find a container again whose own supervisor was killed. */
export interface ContainerRecord {
  readonly id: string;
  readonly pid: number;
  readonly startTime: string;
  readonly bundle: string;
  readonly runtime: OciRuntimeCommand;
  readonly log: LogTarget;
  readonly cgroups: { readonly v1: readonly (readonly [string, string])[]; readonly v2?: string };
}

export class ContainerRecords {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  }

  write({ id, pid, bundle = '', runtime, log, cgroups }: ManagedProcess): void {
    if (!runtime) return;
    const startTime = processStartTime(pid) ?? '';
    const saved = cgroups ? saveCgroups(cgroups) : { v1: [] };
    const record: ContainerRecord = { id, pid, startTime, bundle, runtime, log, cgroups: saved };
    const file = `${this.#directory}/${id}`;
    writeFileSync(`${file}.tmp`, JSON.stringify(record), { mode: 0o600 });
    renameSync(`${file}.tmp`, file);
  }

  remove(id: string): void {
    rmSync(`${this.#directory}/${id}`, { force: true });
  }

  readAll(): ContainerRecord[] {
    const names = readdirSync(this.#directory).filter((name) => !name.endsWith('.tmp'));
    return names.map((name) => JSON.parse(readFileSync(`${this.#directory}/${name}`, 'utf8')) as ContainerRecord);
  }
}

export function saveCgroups({ v1, v2 }: CgroupPaths): ContainerRecord['cgroups'] {
  return { v1: [...v1], ...(v2 !== undefined && { v2 }) };
}

export function restoreCgroups({ v1, v2 }: ContainerRecord['cgroups']): CgroupPaths {
  return { v1: new Map(v1), v2 };
}
