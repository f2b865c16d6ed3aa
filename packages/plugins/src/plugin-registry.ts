import { setTimeout as delay } from 'node:timers/promises';
import { decode, list, struct, text } from '@wharf/base/decode';
import { EngineError, notFound } from '@wharf/base/error';
import { findPlugin, listPlugins, type PluginAddress, type PluginDirectories, pluginDirectories } from './discovery.ts';
import { type CallOptions, callPlugin, UnreachableError } from './plugin-client.ts';

/** What a plugin can be, by its word in `Implements`. */
export type PluginKind = 'authz' | 'VolumeDriver' | 'NetworkDriver' | 'IpamDriver' | 'LogDriver' | 'MetricsCollector';

export interface Plugin {
  readonly name: string;
  /** `VolumeDriver.Create` and the like. Waits a while for a plugin that is being restarted. */
  call(method: string, argument?: unknown, options?: PluginCallOptions): Promise<unknown>;
}

export interface PluginCallOptions extends Partial<CallOptions> {
  /** Milliseconds that a plugin which nobody can reach has to come back. */
  readonly patience?: number;
}

const answerTimeout = 120_000;
const usualPatience = 15_000;
const firstPause = 100;
const longestPause = 2_000;

const decodeActivation = struct<{ Implements: string[] | null }>('Manifest', { Implements: list(text) });

/** The plugins of this host, found and activated when somebody asks for them. */
export class PluginRegistry {
  readonly #directories: PluginDirectories;
  readonly #active = new Map<string, { address: PluginAddress; kinds: readonly string[] }>();

  constructor(directories: PluginDirectories = pluginDirectories) {
    this.#directories = directories;
  }

  /** Names of plugins that can be found, of every kind. */
  names(): string[] {
    return listPlugins(this.#directories);
  }

  /** The plugin of this name, which must be of this kind. */
  async get(name: string, kind: PluginKind, options: PluginCallOptions = {}): Promise<Plugin> {
    const { kinds } = this.#active.get(name) ?? (await this.#activate(name, options));
    if (!kinds.includes(kind)) {
      throw new EngineError('invalid_argument', `plugin ${JSON.stringify(name)} does not implement ${kind}`);
    }
    return { name, call: (method, argument, callOptions = {}) => this.#call(name, method, argument, callOptions) };
  }

  async #activate(name: string, options: PluginCallOptions) {
    const answer = await this.#call(name, 'Plugin.Activate', undefined, options);
    const kinds = decode(decodeActivation, answer).Implements ?? [];
    const active = { address: this.#find(name), kinds };
    this.#active.set(name, active);
    return active;
  }

  /** Tries again while nobody answers there: the plugin may be on its way, perhaps at another place. */
  async #call(name: string, method: string, argument: unknown, options: PluginCallOptions): Promise<unknown> {
    const { patience = usualPatience, timeout = answerTimeout, signal } = options;
    const deadline = performance.now() + patience;
    for (let pause = firstPause; ; pause = Math.min(pause * 2, longestPause)) {
      try {
        const address = this.#active.get(name)?.address ?? this.#find(name);
        return await callPlugin(address, method, argument, { timeout, ...(signal && { signal }) });
      } catch (error) {
        if (!(error instanceof UnreachableError)) throw error;
        this.#active.delete(name);
        if (performance.now() + pause > deadline) {
          throw new EngineError('unavailable', `plugin ${JSON.stringify(name)} does not answer: ${error.message}`, {
            cause: error,
          });
        }
        await delay(pause, undefined, signal ? { signal } : {});
      }
    }
  }

  #find(name: string): PluginAddress {
    const address = findPlugin(name, this.#directories);
    if (!address) throw notFound(`plugin ${JSON.stringify(name)} not found`);
    return address;
  }
}
