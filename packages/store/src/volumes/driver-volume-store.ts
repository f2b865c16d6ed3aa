import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { conflict, EngineError, notFound } from '@wharf/base/error';
import { newId } from '@wharf/base/id';
import type { Owner } from '@wharf/base/id-mapping';
import { KeyedLock } from '@wharf/base/keyed-lock';
import type { Logger } from '@wharf/base/logger';
import type { PluginRegistry } from '@wharf/plugins/plugin-registry';
import { unmountAll } from '@wharf/sys/mount';
import { directoryUsage } from '../directory-usage.ts';
import type { Collection, Database } from '../metadata/database.ts';
import { copyUp } from './copy-up.ts';
import { LocalDriver } from './local-driver.ts';
import type { DriverVolume, MountUse, VolumeDriver } from './volume-driver.ts';
import { VolumeDrivers } from './volume-drivers.ts';
import { deviceMountOf } from './volume-options.ts';
import type { VolumeDetail, VolumeRecord, VolumeRequest, VolumeStore } from './volume-store.ts';

/** Docker's mark of a volume that nobody named. */
export const anonymousLabel = 'com.docker.volume.anonymous';

export interface DriverVolumeStoreOptions {
  readonly database: Database;
  /** `<data-root>/volumes`. */
  readonly directory: string;
  readonly plugins?: Pick<PluginRegistry, 'get' | 'names'>;
  readonly logger: Pick<Logger, 'warn'>;
  /** Whose new local volumes are, where containers' root is not the host's. */
  readonly owner?: Owner;
}

interface Reference {
  readonly volume: string;
  readonly containerId: string;
  /** The container runs with it mounted. */
  readonly mounted: boolean;
  /** Where its driver has mounted it. */
  readonly path?: string;
}

/** Volumes by their drivers: what is known of them, who uses them and where they are mounted. */
export class DriverVolumeStore implements VolumeStore {
  readonly #directory: string;
  readonly #records: Collection<VolumeRecord>;
  readonly #references: Collection<Reference>;
  readonly #users = new Map<string, Set<string>>();
  readonly #locks = new KeyedLock();
  readonly #drivers: VolumeDrivers;
  readonly #logger: Pick<Logger, 'warn'>;

  constructor({ database, directory, plugins, logger, owner }: DriverVolumeStoreOptions) {
    this.#directory = directory;
    this.#drivers = new VolumeDrivers(new LocalDriver(directory, owner), plugins);
    this.#logger = logger;
    this.#records = database.collection('volumes');
    this.#references = database.collection('volume-references');
    for (const { volume, containerId } of this.#references.values()) this.#usersOf(volume).add(containerId);
  }

  async create(request: VolumeRequest): Promise<VolumeRecord> {
    const name = request.name || newId();
    const anonymous = request.name === '' || Object.hasOwn(request.labels, anonymousLabel);
    try {
      return await this.#locks.run(name, () => this.#createNamed({ ...request, name }, anonymous));
    } catch (error) {
      throw prefixed(`create ${name}`, error);
    }
  }

  async #createNamed(request: VolumeRequest, anonymous: boolean): Promise<VolumeRecord> {
    const { name } = request;
    const existing = anonymous ? this.#records.get(name) : await this.#present(request);
    if (existing) {
      if (request.driver === '' || request.driver === existing.driver) return existing;
      throw conflict(`driver '${existing.driver}' already has volume '${name}': volume name must be unique`);
    }
    const driver = await this.#drivers.get(request.driver || 'local');
    const record: VolumeRecord = {
      name,
      driver: driver.name,
      driverOpts: request.driverOpts,
      labels: anonymous ? { ...request.labels, [anonymousLabel]: '' } : request.labels,
      mountpoint: await driver.create(name, request.driverOpts),
      createdAt: `${new Date().toISOString().slice(0, 19)}Z`,
      anonymous,
    };
    this.#records.put(name, record);
    return record;
  }

  /** One that is known, or that some plugin has where nobody says by which driver. */
  async #present({ name, driver }: VolumeRequest): Promise<VolumeRecord | undefined> {
    const known = this.#records.get(name);
    if (!known) return driver === '' ? await this.#adopt(name) : undefined;
    if (known.driver === 'local' || this.users(name).length > 0) return known;
    // Plugins lose volumes, and people remove them there: then the name is free.
    if (await (await this.#drivers.get(known.driver)).find(name, { patient: true })) return known;
    this.#records.delete(name);
    return undefined;
  }

  async #adopt(name: string): Promise<VolumeRecord | undefined> {
    for (const driver of await this.#drivers.plugins()) {
      const found = await driver.find(name).catch(() => undefined);
      if (!found) continue;
      const record = adopted(driver, found);
      this.#records.put(name, record);
      return record;
    }
    return undefined;
  }

  get(name: string): VolumeRecord {
    const record = this.#records.get(name);
    if (!record) throw notFound(`get ${name}: no such volume`);
    return record;
  }

  volumes(): readonly VolumeRecord[] {
    return [...this.#records.values()];
  }

  drivers(): readonly string[] {
    return this.#drivers.names();
  }

  async find(name: string): Promise<VolumeDetail> {
    const known = this.#records.get(name);
    if (known?.driver === 'local') return { ...known, scope: 'local' };
    const drivers = known ? [await this.#drivers.get(known.driver)] : await this.#drivers.plugins();
    for (const driver of drivers) {
      const found = await driver.find(name);
      if (found) return this.#detail(driver, found);
    }
    throw notFound(`get ${name}: no such volume`);
  }

  async list(): Promise<{ volumes: VolumeDetail[]; warnings: string[] }> {
    const volumes = new Map<string, VolumeDetail>();
    for (const record of this.#records.values()) volumes.set(record.name, { ...record, scope: 'local' });
    const warnings: string[] = [];
    for (const driver of await this.#drivers.plugins()) {
      try {
        const listed = await driver.list();
        for (const { name, driver: owner } of [...volumes.values()]) {
          if (owner === driver.name) volumes.delete(name);
        }
        for (const found of listed) {
          const taken = volumes.get(found.name);
          if (taken) warnings.push(`driver '${driver.name}' has volume '${found.name}', a name of '${taken.driver}'`);
          else volumes.set(found.name, await this.#detail(driver, found));
        }
      } catch (error) {
        warnings.push(`error listing volumes of driver '${driver.name}': ${EngineError.from(error).message}`);
      }
    }
    return { volumes: [...volumes.values()], warnings };
  }

  /** What is kept here and what the driver says of it. */
  async #detail(driver: VolumeDriver, found: DriverVolume): Promise<VolumeDetail> {
    const kept = this.#records.get(found.name);
    const record = kept?.driver === driver.name ? kept : adopted(driver, found);
    return {
      ...record,
      mountpoint: found.mountpoint,
      createdAt: found.createdAt || record.createdAt,
      scope: await this.#drivers.scope(driver),
      ...(found.status && { status: found.status }),
    };
  }

  async remove(name: string, { force }: { force: boolean }): Promise<void> {
    await this.#locks.run(name, async () => {
      const record = this.#records.get(name) ?? (await this.#adopt(name));
      if (!record && force) return;
      if (!record) throw notFound(`get ${name}: no such volume`);
      const users = this.users(name);
      if (users.length > 0) throw conflict(`remove ${name}: volume is in use - [${users.join(', ')}]`);
      if (record.driver === 'local') return await this.#removeLocal(record);
      await this.#removeFromPlugin(record, force);
    });
  }

  /** The row goes first: a directory without one is swept, a row without its data would be a lie. */
  async #removeLocal(record: VolumeRecord): Promise<void> {
    unmountAll(record.mountpoint);
    this.#records.delete(record.name);
    await (await this.#drivers.get('local')).remove(record);
  }

  /** What a plugin refuses to remove is still there. By force it is forgotten here. */
  async #removeFromPlugin(record: VolumeRecord, force: boolean): Promise<void> {
    try {
      await (await this.#drivers.get(record.driver)).remove(record);
    } catch (error) {
      if (!force) throw prefixed(`remove ${record.name}`, error);
      this.#logger.warn('removing a volume of a plugin', { volume: record.name, error });
    }
    this.#records.delete(record.name);
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
    const { driver, driverOpts, mountpoint } = this.get(name);
    if (driver === 'local' && !deviceMountOf(driverOpts)) return mountpoint;
    return await this.#locks.run(name, async () => {
      const record = this.get(name);
      const held = this.#references.get(referenceKey(name, containerId));
      if (held?.mounted) return held.path ?? record.mountpoint;
      const others = this.#mountedBy(name).length;
      const path = await this.#mountNow(record, { containerId, others });
      this.reference(name, containerId);
      this.#references.put(referenceKey(name, containerId), { volume: name, containerId, mounted: true, path });
      return path;
    });
  }

  async #mountNow(record: VolumeRecord, use: MountUse): Promise<string> {
    try {
      return await (await this.#drivers.get(record.driver)).mount(record, use);
    } catch (error) {
      throw prefixed(`error while mounting volume '${record.mountpoint}'`, error);
    }
  }

  async unmount(name: string, containerId: string): Promise<void> {
    const { driver, driverOpts } = this.#records.get(name) ?? {};
    if (driver === undefined || (driver === 'local' && !deviceMountOf(driverOpts!))) return;
    await this.#locks.run(name, async () => {
      const record = this.#records.get(name);
      if (!record || !this.#mountedBy(name).includes(containerId)) return;
      const others = this.#mountedBy(name).length - 1;
      try {
        await (await this.#drivers.get(record.driver)).unmount(record, { containerId, others });
      } finally {
        this.#setUnmounted(name, containerId);
      }
    });
  }

  async copyUp(name: string, root: string, source: string): Promise<void> {
    const { mountpoint } = this.get(name);
    await this.#locks.run(name, () => copyUp(root, source, this.#mountedAt(name) ?? mountpoint));
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
      const gone = mounted && !running.has(containerId);
      if (gone) this.#setUnmounted(volume, containerId);
      if (gone && this.#records.get(volume)?.driver !== 'local') this.#unmountLater(volume, containerId);
      if (!existing.has(containerId)) this.release(volume, containerId);
    }
    for (const { name, driver, driverOpts, mountpoint } of this.#records.values()) {
      if (driver === 'local' && deviceMountOf(driverOpts) && this.#mountedBy(name).length === 0) {
        unmountAll(mountpoint);
      }
    }
    await this.#sweep();
  }

  /** The daemon's start waits for no plugin; the volume's next mount does, by its lock. */
  #unmountLater(name: string, containerId: string): void {
    void this.#locks.run(name, async () => {
      const record = this.#records.get(name);
      try {
        if (record) await (await this.#drivers.get(record.driver)).unmount(record, { containerId, others: 0 });
      } catch (error) {
        this.#logger.warn('unmounting a volume of a plugin', { volume: name, error });
      }
    });
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

  #mountedAt(name: string): string | undefined {
    const [first] = this.#mountedBy(name);
    return first && this.#references.get(referenceKey(name, first))?.path;
  }

  #setUnmounted(volume: string, containerId: string): void {
    this.#references.put(referenceKey(volume, containerId), { volume, containerId, mounted: false });
  }
}

/** A volume that somebody else made with the plugin. */
function adopted({ name: driver }: VolumeDriver, { name, mountpoint, createdAt }: DriverVolume): VolumeRecord {
  return { name, driver, driverOpts: {}, labels: {}, mountpoint, createdAt, anonymous: false };
}

function referenceKey(volume: string, containerId: string): string {
  return `${volume}/${containerId}`;
}

function prefixed(what: string, thrown: unknown): EngineError {
  const { code, message, cause } = EngineError.from(thrown);
  return new EngineError(code, `${what}: ${message}`, { cause: cause ?? thrown });
}
