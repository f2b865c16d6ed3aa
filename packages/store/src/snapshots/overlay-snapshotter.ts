import { chmodSync, chownSync, mkdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { EngineError, invalidArgument, notFound } from '@wharf/base/error';
import { newId } from '@wharf/base/id';
import type { Owner } from '@wharf/base/id-mapping';
import { hasErrno } from '@wharf/sys/errno';
import { spreadSubdirectories } from '@wharf/sys/file';
import { mountIdmapped } from '@wharf/sys/idmapped-mount';
import { unmountAll } from '@wharf/sys/mount';
import { type MappedLayers, mountOverlay } from '@wharf/sys/overlay';
import { canLimitDirectories, limitDirectory, unlimitDirectory } from '@wharf/sys/project-quota';
import { cString } from '@wharf/sys/syscall';
import { directoryUsage } from '../directory-usage.ts';
import { layerDirectory } from '../layers/layer-directory.ts';
import type { Collection, Database } from '../metadata/database.ts';
import type { OverlayMount, PrepareOptions, Snapshotter } from './snapshotter.ts';

export interface OverlaySnapshotterOptions {
  readonly database: Database;
  readonly dataRoot: string;
  /** Bytes that a writable layer may hold which does not say so itself; 0 is as much as there is. */
  readonly defaultSize?: number;
  /** Whom containers' users are on the host, where they are not the host's own. */
  readonly remap?: Remap;
}

export interface Remap {
  /** Descriptor of a user namespace: the owners of files on disk are its users. */
  readonly userNamespace: number;
  /** Whom its root is on the host. */
  readonly root: Owner;
}

interface Snapshot {
  /** Bottom to top. */
  readonly diffIds: readonly string[];
  /** A directory below them. */
  readonly base?: string;
  readonly volatile: boolean;
  /** Nothing is written above its layers. */
  readonly readOnly?: boolean;
  /** By a project quota of its own. */
  readonly isLimited?: boolean;
  /** Its files belong to the host's users also where containers are remapped. */
  readonly hostOwners?: boolean;
}

/**
 * Snapshots as `<data-root>/snapshots/<container id>/{upper,work,root}` over the directories of `layers/`.
 * What is removed is renamed to `<data-root>/trash/` and deleted from there.
 */
export class OverlaySnapshotter implements Snapshotter {
  readonly #dataRoot: string;
  readonly #snapshots: Collection<Snapshot>;
  readonly #mounted = new Set<string>();
  readonly #defaultSize: number;
  readonly #remap: Remap | undefined;

  constructor({ database, dataRoot, defaultSize = 0, remap }: OverlaySnapshotterOptions) {
    this.#defaultSize = defaultSize;
    this.#remap = remap;
    this.#dataRoot = dataRoot;
    this.#snapshots = database.collection('snapshots', { relaxed: true });
    mkdirSync(join(dataRoot, 'snapshots'), { recursive: true, mode: 0o710 });
    mkdirSync(join(dataRoot, 'trash'), { recursive: true, mode: 0o700 });
    this.#admit(join(dataRoot, 'snapshots'));
    if (remap) forgetViews(this.#mapped(remap));
    if (defaultSize > 0 && !canLimitDirectories(join(dataRoot, 'snapshots'))) {
      throw invalidArgument(
        "Storage Option overlay2.size only supported for backingFS XFS or ext4 with 'pquota' mount option",
      );
    }
    spreadSubdirectories(cString(join(dataRoot, 'snapshots')));
  }

  async prepare(id: string, diffIds: readonly string[], options: PrepareOptions = {}): Promise<void> {
    const { volatile = false, hostOwners = false, base } = options;
    const size = options.size || this.#defaultSize;
    const directory = this.#directory(id);
    mkdirSync(directory, { mode: 0o710 });
    this.#admit(directory);
    // Before anything is in it: what is made there belongs to its project, overlayfs's own files too.
    if (size > 0) limit(directory, size);
    for (const name of ['upper', 'work', 'root']) mkdirSync(join(directory, name));
    const top = diffIds.at(-1);
    const below = top === undefined ? base : layerDirectory(this.#dataRoot, top);
    if (below !== undefined) copyOwnerAndMode(below, join(directory, 'upper'));
    this.#snapshots.put(id, {
      diffIds,
      volatile,
      ...(base !== undefined && { base }),
      ...(size > 0 && { isLimited: true }),
      ...(hostOwners && { hostOwners }),
    });
  }

  view(id: string, diffIds: readonly string[]): void {
    mkdirSync(join(this.#directory(id), 'root'), { recursive: true, mode: 0o710 });
    this.#admit(this.#directory(id));
    const hostOwners = this.#snapshots.get(id.split('.')[0]!)?.hostOwners ?? false;
    this.#snapshots.put(id, { diffIds, volatile: false, readOnly: true, ...(hostOwners && { hostOwners }) });
  }

  /**
   * Lets the root of remapped containers pass through: their runtime sets out as that. As anybody, since a directory
   * of its group's would be nobody's where owners are mapped; the data root keeps all others out.
   */
  #admit(directory: string): void {
    if (this.#remap) chmodSync(directory, 0o711);
  }

  mounts(id: string): OverlayMount {
    const snapshot = this.#snapshots.get(id);
    if (!snapshot) throw notFound(`No such snapshot: ${id}`);
    const directory = this.#directory(id);
    return {
      lowerDirs: this.#lowerDirs(snapshot),
      upperDir: join(directory, 'upper'),
      workDir: join(directory, 'work'),
      target: join(directory, 'root'),
      volatile: snapshot.volatile,
      ...(this.#remap && !snapshot.hostOwners && { mapped: this.#mapped(this.#remap) }),
    };
  }

  #mapped({ userNamespace, root }: Remap): MappedLayers {
    const directories = [join(this.#dataRoot, 'snapshots'), join(this.#dataRoot, 'layers')];
    return { userNamespace, root, directories, scratch: join(this.#dataRoot, 'mapped') };
  }

  /** overlayfs wants a lower directory, and two where nothing is above them. */
  #lowerDirs({ diffIds, base, readOnly = false }: Snapshot): string[] {
    const layers = diffIds.map((diffId) => layerDirectory(this.#dataRoot, diffId)).reverse();
    if (base !== undefined) layers.push(base);
    while (layers.length < (readOnly ? 2 : 1)) layers.push(this.#emptyLayer(layers.length));
    return layers;
  }

  async mount(id: string): Promise<string> {
    const mounts = this.mounts(id);
    if (this.#mounted.has(id) || isMountPoint(mounts.target)) {
      this.#mounted.add(id);
      return mounts.target;
    }
    // The kernel refuses to mount again what was volatile, since a crash may have torn it.
    rmSync(join(mounts.workDir, 'work', 'incompat'), { recursive: true, force: true });
    try {
      const { lowerDirs, target, mapped } = mounts;
      if (this.#snapshots.get(id)?.readOnly) mountOverlay({ lowerDirs, target, ...(mapped && { mapped }) });
      else mountOverlay(mounts);
    } catch (cause) {
      throw this.#explain(cause);
    }
    this.#mounted.add(id);
    return mounts.target;
  }

  async unmount(id: string): Promise<void> {
    this.#mounted.delete(id);
    unmountAll(join(this.#directory(id), 'root'));
  }

  mapOwners(directory: string, target: string): boolean {
    if (!this.#remap) return false;
    mountIdmapped(directory, target, this.#remap.userNamespace);
    return true;
  }

  async remove(id: string): Promise<void> {
    const views = [...this.#snapshots.entries()].filter(([other]) => other.startsWith(`${id}.`));
    for (const [view] of views) await this.remove(view);
    await this.unmount(id);
    const trash = join(this.#dataRoot, 'trash', newId());
    try {
      if (this.#snapshots.get(id)?.isLimited) unlimitDirectory(this.#directory(id));
      renameSync(this.#directory(id), trash);
    } catch (error) {
      if (!hasErrno(error, 'ENOENT')) throw error;
    }
    this.#snapshots.delete(id);
    void rm(trash, { recursive: true, force: true }).catch(() => undefined);
  }

  async usage(id: string): Promise<number> {
    return directoryUsage(join(this.#directory(id), 'upper'));
  }

  async reconcile(keep: ReadonlySet<string>): Promise<void> {
    const found = await readdir(join(this.#dataRoot, 'snapshots'));
    const known = [...this.#snapshots.entries()].map(([id]) => id);
    for (const id of new Set([...found, ...known])) {
      if (!keep.has(id.split('.')[0]!)) await this.remove(id);
    }
    void this.#emptyTrash();
  }

  /** What an earlier life did not finish deleting. */
  async #emptyTrash(): Promise<void> {
    const trash = join(this.#dataRoot, 'trash');
    for (const name of await readdir(trash)) {
      await rm(join(trash, name), { recursive: true, force: true }).catch(() => undefined);
    }
  }

  #directory(id: string): string {
    return join(this.#dataRoot, 'snapshots', id);
  }

  #emptyLayer(index: number): string {
    const directory = join(this.#dataRoot, 'layers', index === 0 ? 'empty' : `empty-${index}`);
    mkdirSync(directory, { recursive: true });
    return directory;
  }

  #explain(cause: unknown): EngineError {
    const why = cause instanceof Error ? cause.message : String(cause);
    const fileSystem = fileSystemOf(this.#dataRoot);
    const hint =
      fileSystem === 'overlay'
        ? `: the data root ${this.#dataRoot} lies on overlayfs itself, choose a --data-root on another file system`
        : ` (data root ${this.#dataRoot} on ${fileSystem})`;
    return new EngineError('internal', `error creating overlay mount: ${why}${hint}`, { cause });
  }
}

/** Of a daemon that was killed while it mounted an overlay of them. */
function forgetViews({ directories, scratch }: MappedLayers): void {
  for (const index of directories.keys()) unmountAll(`${scratch}/${index}`);
}

function copyOwnerAndMode(from: string, to: string): void {
  const { uid, gid, mode } = statSync(from);
  if (uid !== 0 || gid !== 0) chownSync(to, uid, gid);
  chmodSync(to, mode & 0o7777);
}

function isMountPoint(directory: string): boolean {
  const here = statSync(directory);
  const parent = statSync(join(directory, '..'));
  return here.dev !== parent.dev;
}

/** Type of the file system that holds this path, from mountinfo. */
function fileSystemOf(path: string): string {
  let best = { length: -1, type: 'an unknown file system' };
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
    const [left, right] = line.split(' - ');
    const point = left?.split(' ')[4];
    if (point === undefined || right === undefined) continue;
    const holds = path === point || path.startsWith(point.endsWith('/') ? point : `${point}/`);
    if (holds && point.length >= best.length) best = { length: point.length, type: right.split(' ')[0] ?? best.type };
  }
  return best.type;
}

function limit(directory: string, size: number): void {
  try {
    if (limitDirectory(directory, size)) return;
    throw invalidArgument("--storage-opt is supported only for overlay over xfs with 'pquota' mount option");
  } catch (error) {
    rmSync(directory, { recursive: true });
    throw error;
  }
}
