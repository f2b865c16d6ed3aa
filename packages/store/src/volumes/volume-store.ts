/** Volumes; their bytes are user data and never collected. Implemented by DriverVolumeStore. */
export interface VolumeStore {
  /** Idempotent for the same name and driver. An empty name makes an anonymous volume. */
  create(request: VolumeRequest): Promise<VolumeRecord>;
  /** One that this host knows already; not_found `get x: no such volume`. */
  get(name: string): VolumeRecord;
  /** Those that this host knows, without asking plugins. */
  volumes(): readonly VolumeRecord[];
  /** What its driver says of it. One that only a plugin knows is found too. */
  find(name: string): Promise<VolumeDetail>;
  /** All of this host and of its plugins; warnings tell of plugins that could not list theirs. */
  list(): Promise<{ readonly volumes: readonly VolumeDetail[]; readonly warnings: readonly string[] }>;
  /** Names of the drivers that have been asked for so far. */
  drivers(): readonly string[];
  /** Conflict `remove x: volume is in use - [ids]`. */
  remove(name: string, options: { force: boolean }): Promise<void>;
  /** A container holds the volume from its create to its removal. */
  reference(name: string, containerId: string): void;
  release(name: string, containerId: string): void;
  users(name: string): readonly string[];
  /** Makes the data reachable (mounts `device` options, asks plugins) and returns the directory; counted by container. */
  mount(name: string, containerId: string): Promise<string>;
  unmount(name: string, containerId: string): Promise<void>;
  /** First use, while mounted: copies what the image has at `source` (resolved in `root`) into the empty volume. */
  copyUp(name: string, root: string, source: string): Promise<void>;
  /** Bytes on disk of a local one. */
  usage(name: string): Promise<number>;
  /** After a crash: drops what containers outside `existing` held, and unmounts what none in `running` uses. */
  reconcile(existing: ReadonlySet<string>, running: ReadonlySet<string>): Promise<void>;
}

export interface VolumeRequest {
  readonly name: string;
  /** '' is the driver that has a volume of that name, and local where none has. */
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

export interface VolumeDetail extends VolumeRecord {
  readonly scope: string;
  readonly status?: Readonly<Record<string, unknown>>;
}
