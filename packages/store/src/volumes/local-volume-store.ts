import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { conflict, EngineError, notFound } from '@wharf/base/error';
import { newId } from '@wharf/base/id';
import { KeyedLock } from '@wharf/base/keyed-lock';
import { unmountAll } from '@wharf/sys/mount';
import { directoryUsage } from '../directory-usage.ts';
import type { Collection, Database } from '../metadata/database.ts';
import { copyUp } from './copy-up.ts';
import { mountDevice } from './device-mount.ts';
import { checkVolumeName } from './volume-name.ts';
import { checkVolumeOptions, deviceMountOf } from './volume-options.ts';
import type { VolumeRecord, VolumeRequest, VolumeStore } from './volume-store.ts';

/** Docker's mark of a volume that nobody named. */
export const anonymousLabel = 'com.docker.volume.anonymous';

export interface LocalVolumeStoreOptions {
  readonly database: Database;
  /** `<data-root>/volumes`. */
  readonly directory: string;
}

interface Reference {
  readonly volume: string;
  readonly containerId: string;
  /** The container runs with the volume's device mounted. */
  readonly mounted: boolean;
}

/** Volumes as directories `<name>/_data`. */
export class LocalVolumeStore implements VolumeStore {
  readonly #directory: string;
  readonly #records: Collection<VolumeRecord>;
  readonly #references: Collection<Reference>;
  readonly #users = new Map<string, Set<string>>();
  readonly #locks = new KeyedLock();

  constructor({ database, directory }: LocalVolumeStoreOptions) {
    this.#directory = directory;
    this.#records = database.collection('volumes');
    this.#references = database.collection('volume-references');
    for (const { volume, containerId } of this.#references.values()) this.#usersOf(volume).add(containerId);
  }

  async create(request: VolumeRequest): Promise<VolumeRecord> {
    const anonymous = request.name === '';
    const name = anonymous ? newId() : request.name;
    try {
      return await this.#locks.run(name, () => this.#createNamed({ ...request, name }, anonymous));
    } catch (error) {
      throw prefixed(`create ${name}`, error);
    }
  }

  async #createNamed(request: VolumeRequest, anonymous: boolean): Promise<VolumeRecord> {
    const { name } = request;
    const driver = request.driver || 'local';
    const existing = this.#records.get(name);
    if (existing) {
      if (request.driver !== '' && driver !== existing.driver) throw conflict('volume name must be unique');
      return existing;
    }
    if (driver !== 'local')
      throw notFound(`error looking up volume plugin ${driver}: plugin ${JSON.stringify(driver)} not found`);
    checkVolumeName(name);
    checkVolumeOptions(request.driverOpts);
    const mountpoint = join(this.#directory, name, '_data');
    await mkdir(mountpoint, { recursive: true });
    const record: VolumeRecord = {
      name,
      driver,
      driverOpts: request.driverOpts,
      labels: anonymous ? { ...request.labels, [anonymousLabel]: '' } : request.labels,
      mountpoint,
      createdAt: `${new Date().toISOString().slice(0, 19)}Z`,
      anonymous,
    };
    this.#records.put(name, record);
    return record;
  }

  get(name: string): VolumeRecord {
    const record = this.#records.get(name);
    if (!record) throw notFound(`get ${name}: no such volume`);
    return record;
  }

  volumes(): readonly VolumeRecord[] {
    return [...this.#records.values()];
  }

  async remove(name: string, { force }: { force: boolean }): Promise<void> {
    await this.#locks.run(name, async () => {
      if (!this.#records.has(name) && force) return;
      this.get(name);
      const users = this.users(name);
      if (users.length > 0) throw conflict(`remove ${name}: volume is in use - [${users.join(', ')}]`);
      unmountAll(join(this.#directory, name, '_data'));
      // The row goes first: a directory without one is swept, a row without its data would be a lie.
      this.#records.delete(name);
      await rm(join(this.#directory, name), { recursive: true, force: true });
    });
  }

  reference(name: string, containerId: string): void {
    const users = this.#usersOf(name);
    if (users.has(containerId)) return;
    this.#references.put(referenceKey(name, containerId), { volume: name, containerId, mounted: false });
    users.add(containerId);
  }

  release(name: string, containerId: string): void {
    this.#references.delete(referenceKey(name, containerId));
    const users = this.#users.get(name);
    users?.delete(containerId);
    if (users?.size === 0) this.#users.delete(name);
  }

  users(name: string): readonly string[] {
    return [...(this.#users.get(name) ?? [])];
  }

  async mount(name: string, containerId: string): Promise<string> {
    const { mountpoint, driverOpts } = this.get(name);
    const device = deviceMountOf(driverOpts);
    if (!device) return mountpoint;
    await this.#locks.run(name, async () => {
      const mounted = this.#mountedBy(name);
      if (mounted.length === 0) {
        await mkdir(mountpoint, { recursive: true });
        unmountAll(mountpoint);
        await mountDevice(device, mountpoint);
      }
      this.reference(name, containerId);
      this.#setMounted(name, containerId, true);
    });
    return mountpoint;
  }

  async unmount(name: string, containerId: string): Promise<void> {
    const record = this.#records.get(name);
    if (!record || !deviceMountOf(record.driverOpts)) return;
    await this.#locks.run(name, async () => {
      if (!this.#mountedBy(name).includes(containerId)) return;
      this.#setMounted(name, containerId, false);
      if (this.#mountedBy(name).length === 0) unmountAll(record.mountpoint);
    });
  }

  async copyUp(name: string, root: string, source: string): Promise<void> {
    const { mountpoint } = this.get(name);
    await this.#locks.run(name, () => copyUp(root, source, mountpoint));
  }

  async usage(name: string): Promise<number> {
    return directoryUsage(this.get(name).mountpoint);
  }

  /**
   * After a crash: drops what containers outside `existing` held, unmounts what none in `running` uses, and removes
   * directories that no record knows as long as they are empty: a create that was never acknowledged.
   */
  async reconcile(existing: ReadonlySet<string>, running: ReadonlySet<string>): Promise<void> {
    for (const { volume, containerId, mounted } of [...this.#references.values()]) {
      if (!existing.has(containerId)) this.release(volume, containerId);
      else if (mounted && !running.has(containerId)) this.#setMounted(volume, containerId, false);
    }
    for (const { name, driverOpts, mountpoint } of this.#records.values()) {
      if (deviceMountOf(driverOpts) && this.#mountedBy(name).length === 0) unmountAll(mountpoint);
    }
    await this.#sweep();
  }

  async #sweep(): Promise<void> {
    for (const name of await readdir(this.#directory).catch(() => [])) {
      if (this.#records.has(name)) continue;
      const directory = join(this.#directory, name);
      const data = await readdir(join(directory, '_data')).catch(() => []);
      if (data.length === 0) await rm(directory, { recursive: true, force: true });
    }
  }

  #usersOf(name: string): Set<string> {
    const users = this.#users.get(name) ?? new Set();
    this.#users.set(name, users);
    return users;
  }

  #mountedBy(name: string): string[] {
    return this.users(name).filter((id) => this.#references.get(referenceKey(name, id))?.mounted);
  }

  #setMounted(volume: string, containerId: string, mounted: boolean): void {
    this.#references.put(referenceKey(volume, containerId), { volume, containerId, mounted });
  }
}

function referenceKey(volume: string, containerId: string): string {
  return `${volume}/${containerId}`;
}

function prefixed(what: string, thrown: unknown): EngineError {
  const { code, message, cause } = EngineError.from(thrown);
  return new EngineError(code, `${what}: ${message}`, { cause: cause ?? thrown });
}
