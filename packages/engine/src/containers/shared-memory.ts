import { mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { mappedRoot } from '@wharf/base/id-mapping';
import type { Undo } from '@wharf/base/transaction';
import { mount, mountFlags, unmountAll } from '@wharf/sys/mount';
import type { EngineConfig } from '../engine-config.ts';
import { makePassage } from './container-files.ts';
import type { ContainerRecord } from './container-record.ts';
import { idMappingOf } from './remapped.ts';

const defaultSize = 64 * 1024 * 1024;

/** Where the /dev/shm of a `shareable` container is mounted on the host, for others to join. */
export function shmDirectory({ execRoot }: EngineConfig, id: string): string {
  return join(execRoot, 'shm', id);
}

/** Only `shareable` containers need one that others can reach; the rest get theirs from the runtime. */
export async function mountShm(config: EngineConfig, { id, hostConfig }: ContainerRecord, undo: Undo): Promise<void> {
  if (hostConfig.IpcMode !== 'shareable') return;
  const target = shmDirectory(config, id);
  makePassage(config, dirname(target));
  await mkdir(target, { recursive: true });
  undo.defer(() => unmountShm(config, id));
  const { MS_NOSUID, MS_NODEV, MS_NOEXEC } = mountFlags;
  mount({
    source: 'shm',
    target,
    type: 'tmpfs',
    flags: MS_NOSUID | MS_NODEV | MS_NOEXEC,
    data: `mode=1777,size=${hostConfig.ShmSize || defaultSize}${ownerOptions(config, hostConfig)}`,
  });
}

function ownerOptions(config: EngineConfig, hostConfig: ContainerRecord['hostConfig']): string {
  const mapping = idMappingOf(config, hostConfig);
  if (!mapping) return '';
  const { uid, gid } = mappedRoot(mapping);
  return `,uid=${uid},gid=${gid}`;
}

/** Idempotent. */
export async function unmountShm(config: EngineConfig, id: string): Promise<void> {
  const target = shmDirectory(config, id);
  unmountAll(target);
  await rm(target, { recursive: true, force: true });
}
