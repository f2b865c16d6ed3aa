import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { unmountAll } from '@wharf/sys/mount';
import { mountDevice } from './device-mount.ts';
import type { DriverVolume, MountUse, VolumeDriver } from './volume-driver.ts';
import { checkVolumeName } from './volume-name.ts';
import { checkVolumeOptions, deviceMountOf } from './volume-options.ts';
import type { VolumeRecord } from './volume-store.ts';

/** Volumes as directories `<name>/_data`; what `type` and `device` name is mounted there while somebody uses it. */
export class LocalDriver implements VolumeDriver {
  readonly name = 'local';
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async scope(): Promise<string> {
    return 'local';
  }

  async create(name: string, options: Readonly<Record<string, string>>): Promise<string> {
    checkVolumeName(name);
    checkVolumeOptions(options);
    const mountpoint = join(this.#directory, name, '_data');
    await mkdir(mountpoint, { recursive: true });
    return mountpoint;
  }

  async remove({ name, mountpoint }: VolumeRecord): Promise<void> {
    unmountAll(mountpoint);
    await rm(join(this.#directory, name), { recursive: true, force: true });
  }

  async mount({ mountpoint, driverOpts }: VolumeRecord, { others }: MountUse): Promise<string> {
    const device = deviceMountOf(driverOpts);
    if (device && others === 0) {
      await mkdir(mountpoint, { recursive: true });
      unmountAll(mountpoint);
      await mountDevice(device, mountpoint);
    }
    return mountpoint;
  }

  async unmount({ mountpoint, driverOpts }: VolumeRecord, { others }: MountUse): Promise<void> {
    if (deviceMountOf(driverOpts) && others === 0) unmountAll(mountpoint);
  }

  /** The records are all that is known of its volumes. */
  async find(): Promise<DriverVolume | undefined> {
    return undefined;
  }

  async list(): Promise<readonly DriverVolume[]> {
    return [];
  }
}
