import { EngineError } from '@wharf/base/error';
import type { Plugin, PluginRegistry } from '@wharf/plugins/plugin-registry';
import type { LocalDriver } from './local-driver.ts';
import { PluginDriver } from './plugin-driver.ts';
import type { VolumeDriver } from './volume-driver.ts';

/** A plugin that is looked over together with all others is not waited for. */
const impatient = { patience: 0, timeout: 10_000 };

/** The local driver, and those of plugins as they are asked for. */
export class VolumeDrivers {
  readonly #local: LocalDriver;
  readonly #plugins: Pick<PluginRegistry, 'get' | 'names'> | undefined;
  readonly #seen = new Set<string>();
  readonly #scopes = new Map<string, string>();

  constructor(local: LocalDriver, plugins?: Pick<PluginRegistry, 'get' | 'names'>) {
    this.#local = local;
    this.#plugins = plugins;
  }

  /** Docker's `error looking up volume plugin x: ...` where there is none. */
  async get(name: string): Promise<VolumeDriver> {
    if (name === this.#local.name) return this.#local;
    try {
      if (!this.#plugins) throw new EngineError('not_found', `plugin ${JSON.stringify(name)} not found`);
      return this.#driver(await this.#plugins.get(name, 'VolumeDriver'));
    } catch (error) {
      const { code, message } = EngineError.from(error);
      throw new EngineError(code, `error looking up volume plugin ${name}: ${message}`, { cause: error });
    }
  }

  /** Every plugin that drives volumes and answers now. */
  async plugins(): Promise<VolumeDriver[]> {
    const plugins = this.#plugins;
    if (!plugins) return [];
    const found = await Promise.allSettled(plugins.names().map((name) => plugins.get(name, 'VolumeDriver', impatient)));
    return found.flatMap((result) => (result.status === 'fulfilled' ? [this.#driver(result.value)] : []));
  }

  /** The drivers that have been asked for so far. */
  names(): string[] {
    return [this.#local.name, ...this.#seen].sort();
  }

  #driver(plugin: Plugin): PluginDriver {
    this.#seen.add(plugin.name);
    return new PluginDriver(plugin);
  }

  /** A plugin's never changes, so it is asked once. */
  async scope(driver: VolumeDriver): Promise<string> {
    const known = this.#scopes.get(driver.name) ?? (await driver.scope());
    this.#scopes.set(driver.name, known);
    return known;
  }
}
