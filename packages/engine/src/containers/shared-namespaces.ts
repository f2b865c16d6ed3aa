import { conflict } from '@wharf/base/error';
import { sharedContainer } from '@wharf/runtime/spec/modes';
import type { SharedNamespaces } from '@wharf/runtime/spec/namespaces';
import type { ContainerDeps } from '../engine-deps.ts';
import type { ContainerRecord } from './container-record.ts';
import { isUp } from './container-state.ts';
import { shmDirectory } from './shared-memory.ts';

export interface Shared {
  readonly namespaces: Omit<SharedNamespaces, 'network'>;
  /** The host directory behind /dev/shm; undefined for one of the container's own. */
  readonly shmPath: string | undefined;
  /** The containers whose namespaces are joined, network aside. */
  readonly joined: readonly ContainerRecord[];
}

/** Finds the processes whose pid and ipc namespaces a container joins. They must be running. */
export function findSharedNamespaces(
  { containers, config }: Pick<ContainerDeps, 'containers' | 'config'>,
  { id, hostConfig }: ContainerRecord,
): Shared {
  const pidOwner = sharedContainer(hostConfig.PidMode);
  const ipcOwner = sharedContainer(hostConfig.IpcMode);
  const pid = pidOwner === undefined ? undefined : requireRunning(containers.find(pidOwner), 'PID');
  const ipc = ipcOwner === undefined ? undefined : requireShareable(containers.find(ipcOwner));
  return {
    namespaces: {
      ...(pid && { pid: `/proc/${pid.state.pid}/ns/pid` }),
      ...(ipc && { ipc: `/proc/${ipc.state.pid}/ns/ipc` }),
    },
    joined: [pid, ipc].filter((record) => record !== undefined),
    shmPath: ipc ? shmDirectory(config, ipc.id) : ownShm(config, id, hostConfig.IpcMode),
  };
}

function ownShm(config: ContainerDeps['config'], id: string, ipcMode: string): string | undefined {
  if (ipcMode === 'host') return '/dev/shm';
  return ipcMode === 'shareable' ? shmDirectory(config, id) : undefined;
}

export function requireRunning(record: ContainerRecord, namespace: string): ContainerRecord {
  if (isUp(record.state.status)) return record;
  throw conflict(
    `cannot join ${namespace} namespace of a non running container: container ${record.name} is ${record.state.status}`,
  );
}

function requireShareable(record: ContainerRecord): ContainerRecord {
  const mode = record.hostConfig.IpcMode;
  if (mode !== 'shareable') {
    throw conflict(`non-shareable IPC (hint: use IpcMode:shareable for the donor container)`);
  }
  return requireRunning(record, 'IPC');
}
