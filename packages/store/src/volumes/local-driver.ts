import { chmodSync, existsSync } from 'node:fs';
import { chown, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { invalidArgument } from '@wharf/base/error';
import type { Owner } from '@wharf/base/id-mapping';
import { unmountAll } from '@wharf/sys/mount';
import { limitDirectory, unlimitDirectory } from '@wharf/sys/project-quota';
import { mountDevice } from './device-mount.ts';
import type { DriverVolume, MountUse, VolumeDriver } from './volume-driver.ts';
import { checkVolumeName } from './volume-name.ts';
import { checkVolumeOptions, deviceMountOf, sizeOf } from './volume-options.ts';
import type { VolumeRecord } from './volume-store.ts';

/** Volumes as directories `<name>/_data`; what `type` and `device` name is mounted there while somebody uses it. */
export class LocalDriver implements VolumeDriver {
  readonly name = 'local';
  readonly #directory: string;
  readonly #owner: Owner | undefined;

  /** New volumes are `owner`'s, where containers' root is not the host's. */
  constructor(directory: string, owner?: Owner) {
    this.#directory = directory;
    this.#owner = owner;
    if (existsSync(directory)) chmodSync(directory, this.#mode);
  }

  /** Setuid programs and secrets of containers are no other user's to reach, whoever may enter the data root. */
  get #mode(): number {
    return this.#owner ? 0o711 : 0o710;
  }

  async scope(): Promise<string> {
    return 'local';
  }

  async create(name: string, options: Readonly<Record<string, string>>): Promise<string> {
    checkVolumeName(name);
    checkVolumeOptions(options);
    const mountpoint = join(this.#directory, name, '_data');
    const isFirst = await mkdir(this.#directory, { recursive: true });
    if (isFirst !== undefined) chmodSync(this.#directory, this.#mode);
    await mkdir(mountpoint, { recursive: true });
    if (this.#owner) await chown(mountpoint, this.#owner.uid, this.#owner.gid);
    const size = sizeOf(options);
    if (size > 0) await this.#limit(name, mountpoint, size);
    return mountpoint;
  }

  async #limit(name: string, mountpoint: string, size: number): Promise<void> {
    try {
      if (!limitDirectory(mountpoint, size)) throw invalidArgument('quota size requested but no quota support');
    } catch (error) {
      await rm(join(this.#directory, name), { recursive: true, force: true });
      throw error;
    }
  }

  async remove({ name, mountpoint, driverOpts }: VolumeRecord): Promise<void> {
    unmountAll(mountpoint);
    if (sizeOf(driverOpts) > 0) unlimitDirectory(mountpoint);
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
