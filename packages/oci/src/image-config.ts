import type { Digest } from './digest.ts';
import type { Platform } from './platform.ts';

export type { Platform } from './platform.ts';

/**
 * The image's JSON configuration as it lies in the content store: OCI's fields with the ones Docker adds.
 * image-spec/config.md. Unknown fields are kept, since the blob itself is what is pushed and saved.
 */
export interface ImageConfig extends Platform {
  readonly created?: string;
  readonly author?: string;
  readonly comment?: string;
  readonly config?: ContainerDefaults;
  readonly rootfs: { readonly type: 'layers'; readonly diff_ids: readonly Digest[] };
  readonly history?: readonly HistoryEntry[];
  readonly docker_version?: string;
  readonly container?: string;
  readonly container_config?: ContainerDefaults;
}

/** What a container of the image runs with unless told otherwise; Docker's wire spelling, Go's `null` for absent. */
export interface ContainerDefaults {
  readonly Hostname?: string;
  readonly Domainname?: string;
  readonly User?: string;
  readonly Env?: readonly string[] | null;
  readonly Cmd?: readonly string[] | null;
  readonly Entrypoint?: readonly string[] | null;
  readonly WorkingDir?: string;
  readonly ExposedPorts?: Readonly<Record<string, object>> | null;
  readonly Volumes?: Readonly<Record<string, object>> | null;
  readonly Labels?: Readonly<Record<string, string>> | null;
  readonly StopSignal?: string;
  readonly StopTimeout?: number | null;
  readonly Healthcheck?: Healthcheck | null;
  readonly OnBuild?: readonly string[] | null;
  readonly Shell?: readonly string[] | null;
  readonly ArgsEscaped?: boolean;
}

export interface Healthcheck {
  /** `[]` inherits, `["NONE"]` switches off, else `["CMD", ...]` or `["CMD-SHELL", command]`. */
  readonly Test?: readonly string[] | null;
  /** Nanoseconds, as are the others. */
  readonly Interval?: number;
  readonly Timeout?: number;
  readonly StartPeriod?: number;
  readonly StartInterval?: number;
  readonly Retries?: number;
}

export interface HistoryEntry {
  readonly created?: string;
  readonly created_by?: string;
  readonly author?: string;
  readonly comment?: string;
  readonly empty_layer?: boolean;
}
