import type { Ulimit } from '@wharf/api/container';

/** What a build is asked for, as the command line or a bake file says it. */
export interface BuildSettings {
  /** A directory, an address, or `-`. */
  readonly context: string;
  /** Path of the Dockerfile, `-`, or '' for the context's own. */
  readonly file: string;
  /** The Dockerfile itself, in place of a file. */
  readonly fileText: string | undefined;
  readonly tags: readonly string[];
  /** Values of arguments; null takes that of the environment. */
  readonly buildArgs: Readonly<Record<string, string | null>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: readonly string[];
  readonly target: string;
  readonly platforms: readonly string[];
  readonly network: string;
  readonly addHosts: readonly string[];
  readonly ulimits: readonly Ulimit[];
  readonly shmSize: number;
  readonly cgroupParent: string;
  readonly noCache: boolean;
  readonly noCacheFilter: readonly string[];
  readonly pull: boolean;
  readonly outputs: readonly string[];
  readonly push: boolean;
  readonly load: boolean;
  readonly cacheFrom: readonly string[];
  readonly cacheTo: readonly string[];
  readonly secrets: readonly string[];
  readonly ssh: readonly string[];
  readonly attests: readonly string[];
  /** Named contexts: `name=where`. */
  readonly buildContexts: readonly string[];
  readonly allow: readonly string[];
  /** `build`, or what the frontend is asked instead: `check`, `outline`, `targets`. */
  readonly call: string;
}
