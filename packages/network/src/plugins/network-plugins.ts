import { type Decoder, decode, struct, text } from '@wharf/base/decode';
import { EngineError, notFound } from '@wharf/base/error';

export type NetworkPluginKind = 'NetworkDriver' | 'IpamDriver';

export interface NetworkPlugin {
  /** `NetworkDriver.Join` and the like. */
  call(method: string, argument?: unknown, options?: PluginPatience): Promise<unknown>;
}

export interface PluginPatience {
  /** Milliseconds that a plugin which nobody can reach has to come back. */
  readonly patience?: number;
}

/** Where the plugins of this host are found by name. */
export interface NetworkPlugins {
  get(name: string, kind: NetworkPluginKind, options?: PluginPatience): Promise<NetworkPlugin>;
}

export const noPlugins: NetworkPlugins = {
  async get(name) {
    throw notFound(`plugin ${JSON.stringify(name)} not found`);
  },
};

/** A container that ends does not wait long for a plugin that has ended before it. */
export const impatient: PluginPatience = { patience: 1_000 };

const decodeFailure = struct<{ Err: string; Error: string }>('Response', { Err: text, Error: text });

/** Calls a plugin. It reports errors in an answer of status 200: libnetwork docs/remote.md and docs/ipam.md. */
export async function askPlugin<T>(
  plugin: NetworkPlugin,
  { method, argument, decoder, patience }: PluginQuestion<T>,
): Promise<T> {
  const answer = await plugin.call(method, argument, patience ?? {});
  const { Err, Error: older } = decode(decodeFailure, answer);
  const failure = Err || older;
  if (failure) throw new EngineError('internal', `remote: ${failure}`);
  return decode(decoder, answer);
}

export interface PluginQuestion<T> {
  readonly method: string;
  readonly argument?: unknown;
  readonly decoder: Decoder<T>;
  readonly patience?: PluginPatience;
}
