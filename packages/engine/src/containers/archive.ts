import type { Readable } from 'node:stream';
import type { PathStat } from '@wharf/api/container-files';
import { EngineError, isErrorCode, notFound } from '@wharf/base/error';
import { layeredFiles } from '@wharf/runtime/spec/root-files';
import { resolveUser } from '@wharf/runtime/spec/user';
import type { WriteOptions } from '@wharf/store/trees/write-tree';
import type { ContainerDeps } from '../engine-deps.ts';
import type { ContainerRecord } from './container-record.ts';
import { archiveOf, type HeldArchive, holdTree, type TreeDeps } from './container-tree.ts';
import { publishContainer } from './publish.ts';

type ArchiveDeps = TreeDeps & Pick<ContainerDeps, 'events'>;

export interface ExtractOptions {
  readonly noOverwriteDirNonDir: boolean;
  /** Everything becomes the container's user's, rather than whose the archive says. */
  readonly copyUIDGID: boolean;
}

export async function statContainerPath(deps: TreeDeps, idOrName: string, path: string): Promise<PathStat> {
  const held = await holdTree(deps, idOrName, { bare: false });
  try {
    return await explained(path, idOrName, () => held.tree.stat(rooted(path)));
  } finally {
    await held.close();
  }
}

/** The tar of a file or directory with what HEAD says of it. The archive must be read, sent or closed. */
export async function archiveContainerPath(
  deps: ArchiveDeps,
  idOrName: string,
  path: string,
): Promise<{ stat: PathStat; archive: HeldArchive }> {
  const held = await holdTree(deps, idOrName, { bare: false });
  try {
    const stat = await explained(path, idOrName, () => held.tree.stat(rooted(path)));
    publishContainer(deps.events, held.record, 'archive-path');
    return { stat, archive: archiveOf(held, rooted(path)) };
  } catch (error) {
    await held.close();
    throw error;
  }
}

/** Unpacks a tar, maybe compressed, into a directory of the container. */
export async function extractToContainer(
  deps: ArchiveDeps,
  idOrName: string,
  path: string,
  archive: Readable,
  options: ExtractOptions,
): Promise<void> {
  const held = await holdTree(deps, idOrName, { bare: false });
  try {
    const write = writeOptions(deps, held.record, options);
    await explained(path, idOrName, () => held.tree.write(rooted(path), archive, write));
    publishContainer(deps.events, held.record, 'extract-to-dir');
  } finally {
    await held.close();
  }
}

function writeOptions({ snapshots }: ArchiveDeps, record: ContainerRecord, options: ExtractOptions): WriteOptions {
  const { config, hostConfig, mounts } = record;
  return {
    noOverwriteDirNonDir: options.noOverwriteDirNonDir,
    readOnlyRoot: hostConfig.ReadonlyRootfs,
    mounts: mounts.map(({ destination, readOnly }) => ({ destination, readOnly })),
    ...(options.copyUIDGID && config.User !== '' && { owner: ownerOf(snapshots, record) }),
  };
}

function ownerOf(snapshots: TreeDeps['snapshots'], { id, config }: ContainerRecord): { uid: number; gid: number } {
  const { upperDir, lowerDirs } = snapshots.mounts(id);
  const { uid, gid } = resolveUser(layeredFiles([upperDir, ...lowerDirs]), config.User, null);
  return { uid, gid };
}

/** Paths of clients start at the container's root, whatever its working directory. */
function rooted(path: string): string {
  return path.startsWith('/') ? path : `/${path}`;
}

/** Docker's words for what is not there. */
async function explained<T>(path: string, name: string, body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    if (!isErrorCode(error, 'not_found')) throw EngineError.from(error);
    throw notFound(`Could not find the file ${path} in container ${name}`, { cause: error });
  }
}
