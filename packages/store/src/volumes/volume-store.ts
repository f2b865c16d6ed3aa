/** Volumes of the local driver; their bytes are user data and never collected. Implemented by LocalVolumeStore. */
export interface VolumeStore {
  /** Idempotent for the same name and driver. An empty name makes an anonymous volume. */
  create(request: VolumeRequest): Promise<VolumeRecord>;
  /** not_found `get x: no such volume`. */
  get(name: string): VolumeRecord;
  volumes(): readonly VolumeRecord[];
  /** Conflict `remove x: volume is in use - [ids]`. */
  remove(name: string, options: { force: boolean }): Promise<void>;
  /** A container holds the volume from its create to its removal. */
  reference(name: string, containerId: string): void;
  release(name: string, containerId: string): void;
  users(name: string): readonly string[];
  /** Makes the data reachable (mounts `device` options) and returns the directory; counted by container. */
  mount(name: string, containerId: string): Promise<string>;
  unmount(name: string, containerId: string): Promise<void>;
  /** First use: copies what the image has at `source` (inside `root`, resolved in it) into the empty volume. */
  copyUp(name: string, root: string, source: string): Promise<void>;
  /** Bytes on disk. */
  usage(name: string): Promise<number>;
  /** After a crash: drops what containers outside `existing` held, and unmounts what none in `running` uses. */
  reconcile(existing: ReadonlySet<string>, running: ReadonlySet<string>): Promise<void>;
}

export interface VolumeRequest {
  readonly name: string;
  readonly driver: string;
  readonly driverOpts: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
}

export interface VolumeRecord extends VolumeRequest {
  readonly mountpoint: string;
  /** RFC 3339. */
  readonly createdAt: string;
  readonly anonymous: boolean;
}
