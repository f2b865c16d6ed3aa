import type { VolumeRecord } from './volume-store.ts';

/** Who keeps the bytes of volumes: directories here, or a plugin. Implemented by LocalDriver and PluginDriver. */
export interface VolumeDriver {
  readonly name: string;
  /** `local`, or `global` where the same volume is on every host. */
  scope(): Promise<string>;
  /** Makes it, and says where it will be; '' where only its mount says so. Takes one that is there already. */
  create(name: string, options: Readonly<Record<string, string>>): Promise<string>;
  remove(record: VolumeRecord): Promise<void>;
  /** Called once for each container that runs with it. Gives the directory with its data. */
  mount(record: VolumeRecord, use: MountUse): Promise<string>;
  unmount(record: VolumeRecord, use: MountUse): Promise<void>;
  /** What the driver knows of a volume; undefined where it has none of that name. `patient` waits for a plugin. */
  find(name: string, options?: { patient: boolean }): Promise<DriverVolume | undefined>;
  list(): Promise<readonly DriverVolume[]>;
}

export interface MountUse {
  readonly containerId: string;
  /** How many other containers have it mounted. */
  readonly others: number;
}

export interface DriverVolume {
  readonly name: string;
  readonly mountpoint: string;
  /** RFC 3339; '' where the driver does not say. */
  readonly createdAt: string;
  readonly status: Readonly<Record<string, unknown>> | undefined;
}
