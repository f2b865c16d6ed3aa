import type { IdMapping } from '@wharf/base/id-mapping';

/** What the engine has to know of the daemon's configuration. Ask at each use: a reload may change what is said here. */
export interface EngineConfig {
  /** Durable state: `<dataRoot>/containers/<id>/`. */
  readonly dataRoot: string;
  /** State that a reboot may lose: bundles, sockets. */
  readonly execRoot: string;
  readonly defaultRuntime: string;
  readonly logging: { readonly driver: string; readonly options: Readonly<Record<string, string>> };
  /** Seconds. */
  readonly defaultStopTimeout: number;
  /** Bytes. */
  readonly defaultShmSize: number;
  readonly defaultIpcMode: string;
  /** undefined: private on cgroup v2, host on v1. */
  readonly defaultCgroupnsMode: string | undefined;
  readonly cgroupParent: string;
  /** Whom users of containers are on the host: `userns-remap`. */
  readonly idMapping?: IdMapping;
  /** Containers go on when the daemon stops. They do in any case when it is killed. */
  readonly liveRestore: boolean;
  readonly debug: boolean;
  readonly experimental: boolean;
  readonly authorizationPlugins: readonly string[];
  /** `key=value` labels of the daemon. */
  readonly labels: readonly string[];
  readonly registry: { readonly mirrors: readonly string[]; readonly insecure: readonly string[] };
  readonly proxies: { readonly http: string; readonly https: string; readonly no: string };
  readonly addressPools: readonly { readonly base: string; readonly size: number }[];
  readonly build: BuildInfo;
}

export interface BuildInfo {
  readonly version: string;
  readonly apiVersion: string;
  readonly minApiVersion: string;
  readonly gitCommit: string;
  /** RFC 3339. */
  readonly buildTime: string;
}
