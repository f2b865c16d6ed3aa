import { type Decoder, decode, emptyStruct, list, map, nullable, struct, text } from '@wharf/base/decode';
import { EngineError } from '@wharf/base/error';
import type { Plugin, PluginCallOptions } from '@wharf/plugins/plugin-registry';
import type { DriverVolume, MountUse, VolumeDriver } from './volume-driver.ts';
import type { VolumeRecord } from './volume-store.ts';

interface PluginVolume {
  readonly Name: string;
  readonly Mountpoint: string;
  readonly CreatedAt: string;
  readonly Status: Record<string, unknown> | null;
}

const decodeVolume: Decoder<PluginVolume> = struct('Volume', {
  Name: text,
  Mountpoint: text,
  CreatedAt: text,
  Status: nullable(map((value) => value)),
});
const decodeFailure = struct<{ Err: string }>('Response', { Err: text });
const decodeGet = struct<{ Volume: PluginVolume | null }>('GetResponse', { Volume: nullable(decodeVolume) });
const decodeList = struct<{ Volumes: PluginVolume[] | null }>('ListResponse', { Volumes: list(decodeVolume) });
const decodeMountpoint = struct<{ Mountpoint: string }>('MountResponse', { Mountpoint: text });
const decodeCapabilities = struct<{ Capabilities: { Scope: string } | null }>('CapabilitiesResponse', {
  Capabilities: nullable(struct('Capability', { Scope: text })),
});

/** A question that people wait for, asked of a plugin that may be gone for good. */
const impatient: PluginCallOptions = { patience: 0, timeout: 10_000 };
/** A container that ends does not wait long for a plugin that has ended before it. */
const shortPatience: PluginCallOptions = { patience: 1_000 };

/** Volumes of a plugin: docker docs, extend/plugins_volume.md. */
export class PluginDriver implements VolumeDriver {
  readonly name: string;
  readonly #plugin: Plugin;

  constructor(plugin: Plugin) {
    this.name = plugin.name;
    this.#plugin = plugin;
  }

  /** A plugin that was written before capabilities were asked for keeps its volumes on this host. */
  async scope(): Promise<string> {
    try {
      const { Capabilities } = await this.#ask('Capabilities', {}, decodeCapabilities, impatient);
      return Capabilities?.Scope.toLowerCase() === 'global' ? 'global' : 'local';
    } catch {
      return 'local';
    }
  }

  async create(name: string, options: Readonly<Record<string, string>>): Promise<string> {
    const present = await this.find(name, { patient: true });
    if (present) return present.mountpoint;
    await this.#ask('Create', { Name: name, Opts: options }, emptyStruct);
    return await this.#path(name);
  }

  async remove({ name }: VolumeRecord): Promise<void> {
    await this.#ask('Remove', { Name: name }, emptyStruct);
  }

  async mount({ name }: VolumeRecord, { containerId }: MountUse): Promise<string> {
    const { Mountpoint } = await this.#ask('Mount', { Name: name, ID: containerId }, decodeMountpoint);
    if (Mountpoint.startsWith('/')) return Mountpoint;
    throw new EngineError('internal', `VolumeDriver.Mount: not an absolute path: ${JSON.stringify(Mountpoint)}`);
  }

  async unmount({ name }: VolumeRecord, { containerId }: MountUse): Promise<void> {
    await this.#ask('Unmount', { Name: name, ID: containerId }, emptyStruct, shortPatience);
  }

  async find(name: string, { patient } = { patient: false }): Promise<DriverVolume | undefined> {
    try {
      const { Volume } = await this.#ask('Get', { Name: name }, decodeGet, patient ? {} : impatient);
      return Volume ? describe(Volume) : undefined;
    } catch (error) {
      // There is no telling a volume that is not there from another refusal: the protocol has words only.
      if (error instanceof EngineError && (error.code === 'internal' || error.code === 'not_found')) return undefined;
      throw error;
    }
  }

  async list(): Promise<readonly DriverVolume[]> {
    const { Volumes } = await this.#ask('List', {}, decodeList, impatient);
    return (Volumes ?? []).map(describe);
  }

  async #path(name: string): Promise<string> {
    try {
      return (await this.#ask('Path', { Name: name }, decodeMountpoint)).Mountpoint;
    } catch {
      return '';
    }
  }

  /** Refusals come with status 200 too. */
  async #ask<T>(method: string, argument: object, decoder: Decoder<T>, options?: PluginCallOptions): Promise<T> {
    const name = `VolumeDriver.${method}`;
    const answer = await this.#plugin.call(name, argument, options);
    const { Err } = decode(decodeFailure, answer);
    if (Err) throw new EngineError('internal', `${name}: ${Err}`);
    return decode(decoder, answer);
  }
}

function describe({ Name, Mountpoint, CreatedAt, Status }: PluginVolume): DriverVolume {
  const status = Status && Object.keys(Status).length > 0 ? Status : undefined;
  return { name: Name, mountpoint: Mountpoint, createdAt: CreatedAt, status };
}
