import { rm } from 'node:fs/promises';
import { runAll } from '@wharf/base/transaction';
import type { ContainerDeps } from '../engine-deps.ts';
import { bundleDirectory } from './container-files.ts';
import type { ContainerRecord } from './container-record.ts';
import { unmountShm } from './shared-memory.ts';

export type TeardownDeps = Pick<ContainerDeps, 'config' | 'supervisor' | 'snapshots' | 'fault'>;

/** Takes down what is left of a run once its process, network and volumes are gone. Every step runs; throws what went wrong, as one error. */
export async function releaseRun(deps: TeardownDeps, { id, hostConfig }: ContainerRecord): Promise<void> {
  const { config, supervisor, snapshots, fault } = deps;
  const failures = await runAll([
    async () => {
      fault('exit.runtime-delete');
      await supervisor.delete(id);
    },
    async () => {
      fault('exit.unmount');
      await snapshots.unmount(id);
    },
    async () => {
      if (hostConfig.IpcMode === 'shareable') await unmountShm(config, id);
    },
    () => rm(bundleDirectory(config, id), { recursive: true, force: true }),
  ]);
  if (failures.length > 0) throw new AggregateError(failures, `cleaning up container ${id}: ${failures.join('; ')}`);
}
