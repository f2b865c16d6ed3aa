import { mkdir, stat } from 'node:fs/promises';
import { EngineError, invalidArgument } from '@wharf/base/error';
import type { Undo } from '@wharf/base/transaction';
import { hasErrno } from '@wharf/sys/errno';
import { openRoot, resolveInRoot } from '@wharf/sys/safe-path';
import type { ContainerDeps } from '../engine-deps.ts';
import type { ContainerMount, ContainerRecord } from './container-record.ts';
import { publishVolumeMount } from './publish.ts';

/** Makes every mount's source reachable for one run: volumes mounted, directories of -v made. */
export async function prepareMounts(
  deps: Pick<ContainerDeps, 'volumes' | 'events' | 'fault'>,
  { id, mounts }: ContainerRecord,
  undo: Undo,
): Promise<ContainerMount[]> {
  const prepared: ContainerMount[] = [];
  for (const mount of mounts) {
    switch (mount.type) {
      case 'volume':
        prepared.push(await prepareVolume(deps, id, mount, undo));
        break;
      case 'bind':
        await prepareBind(mount);
        prepared.push(mount);
        break;
      case 'tmpfs':
        prepared.push(mount);
        break;
    }
  }
  return prepared;
}

async function prepareVolume(
  { volumes, events, fault }: Pick<ContainerDeps, 'volumes' | 'events' | 'fault'>,
  id: string,
  mount: ContainerMount,
  undo: Undo,
): Promise<ContainerMount> {
  fault('start.volume');
  const directory = await volumes.mount(mount.name, id);
  undo.defer(() => volumes.unmount(mount.name, id));
  publishVolumeMount(events, id, mount);
  return { ...mount, source: mount.subpath === '' ? directory : resolveSubpath(directory, mount.subpath) };
}

/** Links inside a volume are its users' and must not lead out of it. */
function resolveSubpath(directory: string, subpath: string): string {
  using root = openRoot(directory);
  const found = resolveInRoot(root, subpath);
  if (found === undefined) throw invalidArgument(`cannot access path ${subpath}: no such file or directory`);
  return found;
}

async function prepareBind({ source, createSource }: ContainerMount): Promise<void> {
  try {
    await stat(source);
  } catch (cause) {
    if (!hasErrno(cause, 'ENOENT')) throw cause;
    if (!createSource) {
      throw invalidArgument(`invalid mount config for type "bind": bind source path does not exist: ${source}`);
    }
    await makeSource(source);
  }
}

async function makeSource(source: string): Promise<void> {
  try {
    await mkdir(source, { recursive: true, mode: 0o755 });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new EngineError('internal', `error while creating mount source path '${source}': ${why}`, { cause });
  }
}
