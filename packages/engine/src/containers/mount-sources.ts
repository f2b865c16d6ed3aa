import { lstatSync, mkdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { chown, mkdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { EngineError, invalidArgument } from '@wharf/base/error';
import type { Owner } from '@wharf/base/id-mapping';
import type { Undo } from '@wharf/base/transaction';
import { hasErrno } from '@wharf/sys/errno';
import { bindAlone, bindInRoot, unmountAll } from '@wharf/sys/mount';
import { openRoot } from '@wharf/sys/safe-path';
import type { ContainerDeps } from '../engine-deps.ts';
import { imageView } from './acquire-mounts.ts';
import { makePassage } from './container-files.ts';
import type { ContainerMount, ContainerRecord } from './container-record.ts';
import { publishVolumeMount } from './publish.ts';
import { filesOwner } from './remapped.ts';

export interface MountsScope {
  /** For mounts that are needed only until the runtime has made the container's own. */
  readonly directory: string;
  readonly held: AsyncDisposableStack;
  readonly undo: Undo;
}

/** Makes every mount's source reachable for one run: volumes mounted, directories of -v made. */
export async function prepareMounts(
  deps: Pick<ContainerDeps, 'config' | 'volumes' | 'snapshots' | 'events' | 'fault'>,
  { id, mounts }: ContainerRecord,
  { directory, held, undo }: MountsScope,
): Promise<ContainerMount[]> {
  const prepared: ContainerMount[] = [];
  if (mounts.some(({ subpath, nonRecursive }) => subpath !== '' || nonRecursive)) {
    for (const path of [dirname(directory), directory]) makePassage(deps.config, path);
  }
  for (const mount of mounts) {
    switch (mount.type) {
      case 'volume':
        prepared.push(
          bindSubpath(await prepareVolume(deps, id, mount, undo), join(directory, String(prepared.length)), held),
        );
        break;
      case 'image':
        prepared.push(
          bindSubpath(
            await prepareImage(deps, imageView(id, prepared.length), mount, held),
            join(directory, String(prepared.length)),
            held,
          ),
        );
        break;
      case 'bind':
        await prepareBind(mount, filesOwner(deps.config));
        prepared.push(mount.nonRecursive ? bindFlat(mount, join(directory, String(prepared.length)), held) : mount);
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
  return { ...mount, source: directory };
}

async function prepareImage(
  { snapshots }: Pick<ContainerDeps, 'snapshots'>,
  view: string,
  mount: ContainerMount,
  held: AsyncDisposableStack,
): Promise<ContainerMount> {
  held.defer(() => snapshots.unmount(view));
  return { ...mount, source: await snapshots.mount(view) };
}

/** crun 1.8 takes along what is mounted below, whatever it is told: it gets a view without. */
function bindFlat(mount: ContainerMount, target: string, held: AsyncDisposableStack): ContainerMount {
  mkdirSync(dirname(target), { recursive: true });
  unmountAll(target);
  held.defer(() => releaseTarget(target));
  bindAlone(mount.source, target);
  return { ...mount, source: target };
}

/**
 * Links inside a volume are its users', who may change them at any moment: what the subpath names is bound to a
 * place of ours, and the runtime gets that.
 */
function bindSubpath(mount: ContainerMount, target: string, held: AsyncDisposableStack): ContainerMount {
  if (mount.subpath === '') return mount;
  using root = openRoot(mount.source);
  mkdirSync(dirname(target), { recursive: true });
  unmountAll(target);
  held.defer(() => releaseTarget(target));
  try {
    bindInRoot(root, mount.subpath, target);
  } catch (error) {
    if (!hasErrno(error, 'ENOENT')) throw error;
    throw invalidArgument(`cannot access path ${mount.subpath}: no such file or directory`);
  }
  return { ...mount, source: target };
}

/** Never recursive: what is bound there are the volume's own files. */
function releaseTarget(target: string): void {
  unmountAll(target);
  const stat = lstatSync(target, { throwIfNoEntry: false });
  if (stat?.isDirectory()) rmdirSync(target);
  else if (stat) unlinkSync(target);
  try {
    rmdirSync(dirname(target));
  } catch (error) {
    if (!hasErrno(error, 'ENOTEMPTY')) throw error;
  }
}

async function prepareBind({ source, createSource }: ContainerMount, owner: Owner | undefined): Promise<void> {
  try {
    await stat(source);
  } catch (cause) {
    if (!hasErrno(cause, 'ENOENT')) throw cause;
    if (!createSource) {
      throw invalidArgument(`invalid mount config for type "bind": bind source path does not exist: ${source}`);
    }
    await makeSource(source, owner);
  }
}

async function makeSource(source: string, owner: Owner | undefined): Promise<void> {
  try {
    const first = await mkdir(source, { recursive: true, mode: 0o755 });
    if (owner) for (const path of pathsBetween(first, source)) await chown(path, owner.uid, owner.gid);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new EngineError('internal', `error while creating mount source path '${source}': ${why}`, { cause });
  }
}

/** From the first directory that was made down to the last. */
function pathsBetween(first: string | undefined, last: string): string[] {
  const paths: string[] = [];
  for (let path = last; first !== undefined && path.startsWith(first); path = dirname(path)) paths.push(path);
  return paths;
}
