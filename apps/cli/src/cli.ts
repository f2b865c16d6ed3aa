import { ApiClient } from '@wharf/api/client/api-client';
import type { Environment } from './config.ts';
import { type ConfigFile, readConfigFile } from './context/config-file.ts';
import { type Endpoint, resolveEndpoint } from './context/endpoint.ts';
import type { GlobalValues } from './flags/global.ts';
import type { Output } from './terminal/output.ts';

export const clientVersion = '0.1.0';

/** What a command has at hand. The config file and the daemon are reached for only when asked. */
export class Cli {
  readonly out: Output;
  readonly err: Output;
  readonly environment: Environment;
  readonly globals: GlobalValues;
  #config: Promise<ConfigFile> | undefined;
  #endpoint: Promise<Endpoint> | undefined;
  #client: Promise<ApiClient> | undefined;

  constructor(environment: Environment, globals: GlobalValues, out: Output, err: Output) {
    this.environment = environment;
    this.globals = globals;
    this.out = out;
    this.err = err;
  }

  get configDirectory(): string {
    return this.globals.config || this.environment.configDirectory;
  }

  config(): Promise<ConfigFile> {
    this.#config ??= readConfigFile(this.configDirectory, this.err);
    return this.#config;
  }

  endpoint(): Promise<Endpoint> {
    this.#endpoint ??= resolveEndpoint(this);
    return this.#endpoint;
  }

  /** The daemon that flags, environment and context choose. Connects when first used. */
  client(): Promise<ApiClient> {
    this.#client ??= this.#open();
    return this.#client;
  }

  async #open(): Promise<ApiClient> {
    const { address, tls } = await this.endpoint();
    const { HttpHeaders } = await this.config();
    const version = this.environment.apiVersion;
    return new ApiClient({
      address,
      userAgent: `Docker-Client/${clientVersion} (linux; wharf)`,
      headers: HttpHeaders ?? {},
      ...(tls === undefined ? {} : { tls }),
      ...(version === undefined ? {} : { version }),
    });
  }
}
