import { existsSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { conflict } from '@wharf/base/error';
import { runAll } from '@wharf/base/transaction';
import type { ContainerTree, SendOptions } from '@wharf/store/trees/container-trees';
import type { TreeMount, TreeSource } from '@wharf/store/trees/tree-source';
import type { ContainerDeps } from '../engine-deps.ts';
import { imageView } from './acquire-mounts.ts';
import type { ContainerRecord } from './container-record.ts';
import { isUp } from './container-state.ts';
import { idMappingOf } from './remapped.ts';

export type TreeDeps = Pick<
  ContainerDeps,
  'config' | 'containers' | 'locks' | 'snapshots' | 'volumes' | 'teardowns' | 'trees'
>;

export interface HeldTree {
  readonly tree: ContainerTree;
  readonly record: ContainerRecord;
  /** Idempotent. */
  close(): Promise<void>;
}

/** A tar of a container's files; it holds them until its stream has ended, or it is sent or closed. */
export interface HeldArchive {
  stream(): Readable;
  /** Writes it to a socket. Resolves when the kernel has all of it. */
  sendTo(socket: number, options: SendOptions): Promise<void>;
  close(): Promise<void>;
}

/** The archive of a path of a held tree; '' is all of it. */
export function archiveOf({ tree, close }: HeldTree, path: string): HeldArchive {
  return {
    stream() {
      const stream = tree.read(path);
      stream.once('close', () => void close());
      return stream;
    },
    sendTo: (socket, options) => tree.send(path, socket, options).finally(close),
    close,
  };
}

/**
 * A container's files, running or not; `bare` is its root without volumes and binds. Of one that does not run, root
 * and volumes are mounted where only a thread of this daemon sees them, and it cannot start until `close`.
 */
export async function holdTree(deps: TreeDeps, idOrName: string, options: { bare: boolean }): Promise<HeldTree> {
  const { id } = deps.containers.find(idOrName);
  const release = await deps.locks.acquire(id);
  try {
    const record = deps.containers.find(id);
    if (isUp(record.state.status)) return await holdRunning(deps, record, options.bare, release);
    if (record.state.status === 'removing' || record.state.status === 'dead') {
      throw conflict(`container ${id} is ${record.state.status}`);
    }
    return await holdStopped(deps, record, options.bare, release);
  } catch (error) {
    release();
    throw error;
  }
}

/** Its process holds the files open: the container may stop meanwhile. */
async function holdRunning(
  { config, trees }: TreeDeps,
  record: ContainerRecord,
  bare: boolean,
  release: () => void,
): Promise<HeldTree> {
  const idMapping = idMappingOf(config, record.hostConfig);
  const source: TreeSource = { kind: 'process', pid: record.state.pid, containerId: record.id, bare, idMapping };
  const tree = await trees.open(source);
  release();
  return { tree, record, close: () => tree.close() };
}

async function holdStopped(
  deps: TreeDeps,
  record: ContainerRecord,
  bare: boolean,
  release: () => void,
): Promise<HeldTree> {
  const { trees, teardowns, snapshots, volumes } = deps;
  await teardowns.settled(record.id);
  const undo = bare
    ? []
    : record.mounts.flatMap(({ type, name }, index) => {
        if (type === 'volume') return [() => volumes.unmount(name, record.id)];
        return type === 'image' ? [() => snapshots.unmount(imageView(record.id, index))] : [];
      });
  try {
    const mounts = bare ? [] : await treeMounts(deps, record);
    const idMapping = idMappingOf(deps.config, record.hostConfig);
    const tree = await trees.open({ kind: 'overlay', overlay: snapshots.mounts(record.id), mounts, idMapping });
    let closed = false;
    return {
      tree,
      record,
      close: async () => {
        if (closed) return;
        closed = true;
        await runAll([() => tree.close(), ...undo]);
        release();
      },
    };
  } catch (error) {
    await runAll(undo);
    throw error;
  }
}

async function treeMounts({ volumes, snapshots }: TreeDeps, { id, mounts }: ContainerRecord): Promise<TreeMount[]> {
  const found: TreeMount[] = [];
  for (const [index, { type, name, source, subpath, destination, readOnly }] of mounts.entries()) {
    // Of a bind whose source is not there yet nothing can be seen: its start would make it.
    if (type === 'tmpfs' || (type === 'bind' && !existsSync(source))) continue;
    const directory =
      type === 'volume'
        ? await volumes.mount(name, id)
        : type === 'image'
          ? await snapshots.mount(imageView(id, index))
          : source;
    found.push({ source: directory, subpath, destination, readOnly });
  }
  // What is mounted inside another mount comes after it.
  return found.sort((a, b) => a.destination.length - b.destination.length);
}
