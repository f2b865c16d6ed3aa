/** The environment as the client reads it; nothing else looks at process.env. */
export interface Environment {
  readonly home: string;
  readonly host: string | undefined;
  readonly context: string | undefined;
  readonly configDirectory: string;
  readonly apiVersion: string | undefined;
  readonly tlsVerify: boolean;
  readonly tls: boolean;
  readonly certPath: string | undefined;
  readonly defaultPlatform: string | undefined;
  /** The variable of this name, for `-e NAME`. */
  lookup(name: string): string | undefined;
  names(): string[];
}

export function readEnvironment(): Environment {
  const env = process.env;
  const home = env.HOME || '/root';
  return {
    home,
    host: env.DOCKER_HOST || undefined,
    context: env.DOCKER_CONTEXT || undefined,
    configDirectory: env.DOCKER_CONFIG || `${home}/.docker`,
    apiVersion: env.DOCKER_API_VERSION?.replace(/^v/, '') || undefined,
    // Set to anything, even to 0: that is how docker reads it.
    tlsVerify: Boolean(env.DOCKER_TLS_VERIFY),
    tls: Boolean(env.DOCKER_TLS),
    certPath: env.DOCKER_CERT_PATH || undefined,
    defaultPlatform: env.DOCKER_DEFAULT_PLATFORM || undefined,
    lookup: (name) => env[name],
    names: () => Object.keys(env),
  };
}
