import type { MappedLayers } from '@wharf/sys/overlay';

/** A container's root: layers below, a writable directory on top. Implemented by OverlaySnapshotter. */
export interface Snapshotter {
  /** Makes the writable layer of container `id` over these layers (bottom to top). */
  prepare(id: string, diffIds: readonly string[], options?: PrepareOptions): Promise<void>;
  /**
   * A read-only one of these layers, for `mount` alone. One named `<container id>.<n>` goes with the container's, and
   * has its owners.
   */
  view(id: string, diffIds: readonly string[]): void;
  /** What to mount at the container's `/`, for the runtime spec or for mount(2). */
  mounts(id: string): OverlayMount;
  /** Mounts the root on the host (idempotent) and returns the path; for cp, copy-up, old runtimes. */
  mount(id: string): Promise<string>;
  unmount(id: string): Promise<void>;
  /** Shows a directory on `target` with owners as `mount` shows those of layers; false where that changes nothing. */
  mapOwners(directory: string, target: string): boolean;
  /** Renames to the trash and returns; the bytes are removed in the background. Idempotent. */
  remove(id: string): Promise<void>;
  /** Bytes in the writable layer. */
  usage(id: string): Promise<number>;
  /** Removes what no container in `keep` owns: after a crash. */
  reconcile(keep: ReadonlySet<string>): Promise<void>;
}

export interface PrepareOptions {
  /** The container goes with its exit: its root is never synced, which saves the sync of the whole disk at unmount. */
  readonly volatile?: boolean;
  /** Bytes that the writable layer may hold; 0 is the snapshotter's default; refused where the file system has no project quotas. */
  readonly size?: number;
  /** For a container in the host's user namespace, where others are remapped. */
  readonly hostOwners?: boolean;
  /** A directory that lies below the layers, and stays as it is. */
  readonly base?: string;
}

export interface OverlayMount {
  /** Top to bottom, as overlayfs wants them. */
  readonly lowerDirs: readonly string[];
  readonly upperDir: string;
  readonly workDir: string;
  /** Where `mount` puts it. */
  readonly target: string;
  readonly volatile: boolean;
  /** Where the container's users are others on the host. */
  readonly mapped?: MappedLayers;
}
